"""From the votes of FER+'s ten raters to a label, by four rules.

Source of the votes and of the rule 'majority': Barsoum et al., "Training
deep networks for facial expression recognition with crowd-sourced label
distribution", ICMI 2016, and the tool that its authors publish.
"""

from collections.abc import Callable, Sequence

from ..categories import EXPRESSIONS

VOTE_COLUMNS = (
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'NF',
)
"""The order of the votes in FER+'s files, which is not our class order."""

Votes = Sequence[int]
"""Ten counts, in the order of :data:`VOTE_COLUMNS`."""

_EMOTIONS = len(EXPRESSIONS)


def majority(votes: Votes) -> str | None:
    """More than half of the votes, single votes not counted.

    Args:
        votes (Sequence[int]): Ten counts.

    Returns:
        str | None: The expression, or None where nothing has more than half,
        or 'unknown' or 'NF' (no face) has.
    """
    kept = [count if count > 1 else 0 for count in votes]
    winner = kept.index(max(kept))
    if 2 * kept[winner] <= sum(kept) or winner >= _EMOTIONS:
        return None
    return VOTE_COLUMNS[winner]


def argmax(votes: Votes) -> str | None:
    """The most votes of all ten columns, a tie to the earlier column.

    Args:
        votes (Sequence[int]): Ten counts.

    Returns:
        str | None: The expression, or None where 'unknown' or 'NF' wins or
        nobody voted.
    """
    winner = votes.index(max(votes))
    if votes[winner] == 0 or winner >= _EMOTIONS:
        return None
    return VOTE_COLUMNS[winner]


def argmax8(votes: Votes) -> str | None:
    """The most votes of the eight expressions, a tie to the earlier column.

    Args:
        votes (Sequence[int]): Ten counts.

    Returns:
        str | None: The expression, or None where none has a vote.
    """
    return argmax(votes[:_EMOTIONS])


def soft_target(votes: Votes) -> dict[str, float] | None:
    """The votes of the eight expressions as a distribution.

    Args:
        votes (Sequence[int]): Ten counts.

    Returns:
        dict[str, float] | None: Canonical name to share, in canonical order;
        the shares sum to 1. None where no expression has a vote.
    """
    total = sum(votes[:_EMOTIONS])
    if total == 0:
        return None
    counts = dict(zip(VOTE_COLUMNS, votes, strict=True))
    return {name: counts[name] / total for name in EXPRESSIONS}


def distribution(votes: Votes) -> str | None:
    """The largest share of :func:`soft_target`.

    A tie goes to the earlier *class*, not column, so that the label is always
    the argmax of the soft target that stands beside it.

    Args:
        votes (Sequence[int]): Ten counts.

    Returns:
        str | None: The expression, or None where none has a vote.
    """
    shares = soft_target(votes)
    return None if shares is None else max(shares, key=shares.__getitem__)


LABEL_RULES: dict[str, Callable[[Votes], str | None]] = {
    'majority': majority,
    'argmax': argmax,
    'argmax8': argmax8,
    'distribution': distribution,
}
