"""Columns of a table of images that :class:`FERCsv` reads."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mpafer_plugin.utils.quoting import quote

BOX = ('x1', 'y1', 'x2', 'y2')

KEYS = ('path', 'label', 'split', 'subject', *BOX, 'votes', 'groups')

LISTS = ('votes', 'groups')
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

    def indices(self) -> list[int]:
        """Return the indices of all."""
        single = (self.path, self.label, self.split, self.subject)
        found = [index for index in single if index is not None]
        lists = self.votes.values(), self.groups.values()
        return [*found, *(self.box or ()), *(i for v in lists for i in v)]


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
                f'{where}: the column {quote(name)} stands twice in '
                f'{quote(header)}'
            )
        if not count:
            raise ValueError(
                f'{where}: {what}={quote(name)} is no column; the header is '
                f'{quote(header)}'
            )
        return lower.index(name.lower())

    found: dict[str, int] = {}
    for key in KEYS[: -len(LISTS)]:
        if named.get(key) is not None:
            found[key] = index(named[key], key)
            continue
        present = [n for n in _DEFAULTS.get(key, (key,)) if n in lower]
        if present:
            found[key] = index(present[0], key)
    voted, groups = (
        {name: index(name, key) for name in named.get(key, ())}
        for key in LISTS
    )
    if 'path' not in found or ('label' not in found and not voted):
        raise ValueError(
            f'{where}: the header is {quote(header)}; expected a header with '
            "the columns 'path' and 'label' and optionally 'split', such as "
            "'path,label,split', or their names in "
            "columns=dict(path='...', label='...')"
        )
    box = tuple(found[side] for side in BOX if side in found)
    if 0 < len(box) < len(BOX):
        raise ValueError(
            f'{where}: a box needs all of the columns {BOX}; the header is '
            f'{quote(header)}'
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
