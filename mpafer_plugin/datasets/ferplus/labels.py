"""Four rules from the votes of FER+'s ten raters to a label.

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
"""Order of the votes in FER+'s files, not our class order."""

Votes = Sequence[int]
"""Ten counts, in the order of :data:`VOTE_COLUMNS`."""

_EMOTIONS = len(EXPRESSIONS)


def majority(votes: Votes) -> str | None:
    """Return the expression with more than half of the votes.

    Single votes are not counted. None if nothing has more than half of the
    votes, or 'unknown' or 'NF' (no face) has.
    """
    kept = [count if count > 1 else 0 for count in votes]
    winner = kept.index(max(kept))
    if 2 * kept[winner] <= sum(kept) or winner >= _EMOTIONS:
        return None
    return VOTE_COLUMNS[winner]


def argmax(votes: Votes) -> str | None:
    """Return the column with the most votes; the earlier one in a tie.

    None if 'unknown' or 'NF' wins or nobody voted.
    """
    winner = votes.index(max(votes))
    if votes[winner] == 0 or winner >= _EMOTIONS:
        return None
    return VOTE_COLUMNS[winner]


def argmax8(votes: Votes) -> str | None:
    """Return the expression with the most votes; the earlier in a tie.

    None if no expression has a vote.
    """
    return argmax(votes[:_EMOTIONS])


def soft_target(votes: Votes) -> dict[str, float] | None:
    """Return the votes of the eight expressions as a distribution.

    Returns:
        dict[str, float] | None: Canonical name to share, in canonical order;
        the shares sum to 1. None if no expression has a vote.
    """
    total = sum(votes[:_EMOTIONS])
    if total == 0:
        return None
    counts = dict(zip(VOTE_COLUMNS, votes, strict=True))
    return {name: counts[name] / total for name in EXPRESSIONS}


def distribution(votes: Votes) -> str | None:
    """Return the expression with the largest :func:`soft_target`.

    A tie goes to the earlier *class*, not column, so that the label is always
    the argmax of the soft target. None if no expression has a vote.
    """
    shares = soft_target(votes)
    return None if shares is None else max(shares, key=shares.__getitem__)


LABEL_RULES: dict[str, Callable[[Votes], str | None]] = {
    'majority': majority,
    'argmax': argmax,
    'argmax8': argmax8,
    'distribution': distribution,
}

FERPLUS_COUNTS: dict[tuple[str, str], dict[str, tuple[int, ...]]] = {
    ('fer2013new.csv', 'majority'): {
        'train': (8739, 7287, 3013, 3149, 532, 119, 2099, 119),
        'val': (1182, 865, 351, 415, 62, 24, 287, 13),
        'test': (1089, 893, 384, 396, 83, 18, 273, 16),
    },
    ('fer2013new.csv', 'argmax'): {
        'train': (10308, 7528, 3514, 3562, 652, 191, 2466, 165),
        'val': (1335, 899, 412, 456, 74, 34, 319, 24),
        'test': (1261, 928, 444, 444, 93, 23, 325, 27),
    },
    ('fer2013new.csv', 'argmax8'): {
        'train': (10387, 7539, 3548, 3588, 656, 194, 2477, 167),
        'val': (1347, 899, 418, 459, 75, 36, 320, 25),
        'test': (1277, 929, 448, 446, 94, 23, 326, 29),
    },
    ('fer2013new.csv', 'distribution'): {
        'train': (10387, 7539, 3573, 3563, 673, 224, 2430, 167),
        'val': (1347, 899, 419, 458, 76, 40, 315, 25),
        'test': (1277, 929, 449, 445, 97, 28, 318, 29),
    },
    ('label.csv', 'majority'): {
        'train': (8733, 7284, 3022, 3136, 536, 116, 2098, 120),
        'val': (1180, 862, 348, 411, 60, 25, 289, 16),
        'test': (1083, 892, 382, 394, 86, 16, 269, 15),
    },
    ('label.csv', 'argmax'): {
        'train': (10295, 7526, 3530, 3557, 655, 191, 2463, 168),
        'val': (1329, 899, 415, 458, 71, 32, 325, 26),
        'test': (1258, 928, 446, 447, 97, 20, 321, 28),
    },
    ('label.csv', 'argmax8'): {
        'train': (10377, 7537, 3559, 3583, 659, 195, 2476, 170),
        'val': (1341, 899, 419, 461, 72, 34, 326, 27),
        'test': (1274, 929, 449, 450, 98, 21, 322, 30),
    },
    ('label.csv', 'distribution'): {
        'train': (10377, 7537, 3584, 3558, 676, 224, 2430, 170),
        'val': (1341, 899, 420, 460, 72, 39, 321, 27),
        'test': (1274, 929, 450, 449, 101, 26, 314, 30),
    },
}
"""(file of votes, label rule) -> split -> images of each class."""
