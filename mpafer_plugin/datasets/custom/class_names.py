"""Which classes the names in a user's own folders and labels mean."""

import unicodedata
from collections.abc import Mapping, Sequence

from ..categories import COMPOUND_EXPRESSIONS, EXPRESSIONS, canonical_name


def plain_name(name: str) -> str:
    """Find the name to compare a folder, label or class by.

    Args:
        name (str): The name as it is written.

    Returns:
        str: Its canonical name; accents are put together, which the disks of
        some systems take apart.
    """
    return unicodedata.normalize('NFC', canonical_name(name))


def find_classes(names: Mapping[str, str]) -> tuple[str, ...]:
    """Make a class list of the names in a dataset.

    Args:
        names (Mapping[str, str]): Each name that is there, to where it is.

    Returns:
        tuple[str, ...]: Canonical names of known expressions in canonical
        order, then all others sorted.

    Raises:
        ValueError: If two names differ in case only.
    """
    spelt: dict[str, str] = {}
    for name in names:
        other = spelt.setdefault(plain_name(name).casefold(), name)
        if plain_name(other) != plain_name(name):
            raise ValueError(
                f'{names[name]}: {name!r} and {other!r} ({names[other]}) '
                'differ in case only: are they one class? Write them the '
                'same way, or give classes=[...] with both'
            )
    known = (*EXPRESSIONS, *COMPOUND_EXPRESSIONS)
    plain = {plain_name(name) for name in names}
    return (
        *(name for name in known if name in plain),
        *sorted(plain.difference(known)),
    )


def match_classes(
    names: Mapping[str, str], classes: Sequence[str]
) -> dict[str, str]:
    """Find the class that each name in a dataset means.

    Known expressions meet by their canonical names, so 'Happy' meets
    'happiness'; all other names must be spelt as the class is.

    Args:
        names (Mapping[str, str]): Each name that is there, to where it is.
        classes (Sequence[str]): The classes.

    Returns:
        dict[str, str]: Each name, to the canonical name of its class.

    Raises:
        ValueError: If a name means no class, or two classes are the same.
    """
    labels: dict[str, str] = {}
    for name in classes:
        if plain_name(name) in labels:
            raise ValueError(
                f'two of the classes {list(classes)} are {plain_name(name)!r}'
            )
        labels[plain_name(name)] = canonical_name(name)
    for name, where in names.items():
        if plain_name(name) not in labels:
            raise ValueError(
                f'{where}: {name!r} is not among the classes {list(classes)}; '
                f'the labels here are {sorted(names)}'
                f'{_advice(name, names, classes)}'
            )
    return {name: labels[plain_name(name)] for name in names}


def _advice(
    name: str, names: Mapping[str, str], classes: Sequence[str]
) -> str:
    """Say what may be wrong with a name that means no class."""
    for other in classes:
        if plain_name(other).casefold() == plain_name(name).casefold():
            return f'; did you mean {other!r}?'
    if not {plain_name(other) for other in names} & set(
        map(plain_name, classes)
    ):
        return (
            '; none of them is a class, and labels are matched by name, '
            'never by position'
        )
    return ''
