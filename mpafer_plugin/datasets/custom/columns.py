"""Columns of a table of images that :class:`FERCsv` reads."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

BOX = ('x1', 'y1', 'x2', 'y2')

_KEYS = ('path', 'label', 'split', 'subject', *BOX, 'votes', 'groups')

_LISTS = ('votes', 'groups')
"""Keys that list columns."""

_DEFAULTS = {
    # The second is the name in a Hugging Face image folder.
    'path': ('path', 'file_name'),
    'subject': ('subject', 'subject_id', 'person', 'person_id', 'identity'),
}
"""Names of a column that is not named, by preference; else its key."""


class Columns(NamedTuple):
    """Index of each column that is read; None if it is absent."""

    path: int
    label: int | None
    split: int | None
    subject: int | None
    box: tuple[int, ...] | None
    votes: dict[str, int]
    groups: dict[str, int]


def check_names(columns: Mapping | None, votes_needed: bool) -> dict:
    """Check the argument ``columns`` of :class:`FERCsv`.

    Args:
        columns (Mapping, optional): Key to name of the column; 'votes' and
            'groups' to a list of names.
        votes_needed (bool): Whether labels are made from votes.

    Returns:
        dict: A copy of it.

    Raises:
        ValueError: If a key is unknown, or 'votes' is there without need or
            needed and not there.
    """
    named = dict(columns or {})
    for key in named:
        if key not in _KEYS:
            raise ValueError(
                f'FERCsv: columns has the unknown key {key!r}; the keys are '
                f'{_KEYS}'
            )
    for key in _LISTS:
        names = named.get(key, ())
        if isinstance(names, str) or len(set(names)) != len(names):
            raise ValueError(
                f'FERCsv: columns[{key!r}] is {names!r}; it must be a list of '
                'different names, one a column'
            )
    votes = named.get('votes', ())
    if votes_needed != bool(votes):
        raise ValueError(
            f"FERCsv: columns['votes'] is {list(votes)}: a label_rule needs "
            'votes, one column a class, and votes need a label_rule'
        )
    return named


def find_columns(header: Sequence[str], named: Mapping, where: str) -> Columns:
    """Find the columns in a header, in any case.

    Args:
        header (Sequence[str]): Names of all columns.
        named (Mapping): Result of :func:`check_names`.
        where (str): File and line, for the error.

    Returns:
        Columns: Their indices.

    Raises:
        ValueError: If a column is absent or there twice.
    """
    lower = [name.lower() for name in header]

    def index(name: str, what: str) -> int:
        count = lower.count(name.lower())
        if count > 1:
            raise ValueError(
                f'{where}: the column {name!r} stands twice in {header}'
            )
        if not count:
            raise ValueError(
                f'{where}: {what}={name!r} is no column; the header is '
                f'{header}'
            )
        return lower.index(name.lower())

    found: dict[str, int] = {}
    for key in _KEYS[: -len(_LISTS)]:
        if named.get(key) is not None:
            found[key] = index(named[key], key)
            continue
        present = [n for n in _DEFAULTS.get(key, (key,)) if n in lower]
        if present:
            found[key] = index(present[0], key)
    voted, groups = (
        {name: index(name, key) for name in named.get(key, ())}
        for key in _LISTS
    )
    if 'path' not in found or ('label' not in found and not voted):
        raise ValueError(
            f'{where}: the header is {header}; expected a header with the '
            "columns 'path' and 'label' and optionally 'split', such as "
            "'path,label,split', or their names in "
            "columns=dict(path='...', label='...')"
        )
    box = tuple(found[side] for side in BOX if side in found)
    if 0 < len(box) < len(BOX):
        raise ValueError(
            f'{where}: a box needs all of the columns {BOX}; the header is '
            f'{header}'
        )
    return Columns(
        found['path'],
        found.get('label'),
        found.get('split'),
        found.get('subject'),
        box or None,
        voted,
        groups,
    )
