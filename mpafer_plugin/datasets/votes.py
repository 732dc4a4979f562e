"""Labels from the votes of several raters, one column a class."""

import math
from collections.abc import Mapping

from mpafer_plugin.utils.numbers import parse_number
from mpafer_plugin.utils.quoting import quote

VOTE_RULES = {
    'distribution': 'distribution, votes as soft targets, their argmax as '
    'the label',
    'argmax': 'argmax, the most votes',
    'majority': 'majority, more than half of the votes',
}


def parse_votes(fields: Mapping[str, str], where: str) -> dict[str, float]:
    """Return the share of each class.

    Args:
        fields (Mapping[str, str]): Class to number of votes as written,
            which may be a share; '' is 0.
        where (str): File and line, for the error.

    Returns:
        dict[str, float]: The shares; they sum to 1. Empty without votes.

    Raises:
        ValueError: If a number cannot be read or is negative, or their sum
            is infinite.
    """
    votes = {}
    for name, text in fields.items():
        votes[name] = parse_number(text or '0')
        if not votes[name] >= 0:
            raise ValueError(
                f'{where}: {quote(text)} votes for {name!r}; expected a '
                'number, 0 or more'
            )
    total = sum(votes.values())
    if not math.isfinite(total):
        raise ValueError(f'{where}: the votes {votes} are too many')
    return {n: v / total for n, v in votes.items()} if total else {}


def vote(rule: str, shares: Mapping[str, float]) -> str | None:
    """Return the class with the most votes; the earlier in a tie.

    None if there are no votes or, with 'majority', none has more than half.
    """
    if not shares:
        return None
    winner = max(shares, key=shares.__getitem__)
    if rule == 'majority' and shares[winner] <= 0.5:
        return None
    return winner
