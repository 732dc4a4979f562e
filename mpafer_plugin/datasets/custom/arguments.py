"""Checks of arguments of :class:`FERCsv`."""

from collections.abc import Mapping
from typing import Any

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.quoting import quote

from .columns import KEYS, LISTS

CROP_KEYS = ('size', 'margin')
"""Arguments of :class:`FaceCrop`; the others concern detected faces."""


def check_crop(crop: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of ``crop``, checked.

    Raises:
        ValueError: If a key is not in :data:`CROP_KEYS`, or a value is not
            allowed.
    """
    found = dict(crop or {})
    for key in found:
        if key not in CROP_KEYS:
            raise ValueError(
                f'FERCsv: crop has the unknown key {quote(key)}; the keys are '
                f'{CROP_KEYS}'
            )
    FaceCrop(**found)
    return found


def check_delimiter(delimiter: str | None) -> str | None:
    """Return the separator of fields, checked.

    Raises:
        ValueError: If it is not one character, or a quote or line end.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ValueError(
            f'FERCsv: delimiter={quote(delimiter)} is no single character '
            'that can separate fields'
        )
    return delimiter


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
        if key not in KEYS:
            raise ValueError(
                f'FERCsv: columns has the unknown key {quote(key)}; the keys '
                f'are {KEYS}'
            )
        if key not in LISTS and not isinstance(named[key], str | None):
            raise ValueError(
                f'FERCsv: columns[{key!r}] is {quote(named[key])}; it must be '
                'the name of a column'
            )
    for key in LISTS:
        names = named.get(key, ())
        if (
            not isinstance(names, (list, tuple))
            or not all(isinstance(name, str) for name in names)
            or len(set(names)) != len(names)
        ):
            raise ValueError(
                f'FERCsv: columns[{key!r}] is {quote(names)}; it must be a '
                'list of different names, one a column'
            )
    votes = named.get('votes', ())
    if votes_needed != bool(votes):
        raise ValueError(
            f"FERCsv: columns['votes'] is {quote([*votes])}: a label_rule "
            'needs votes, one column a class, and votes need a label_rule'
        )
    return named
