"""Class lists of a user's own data, by the names of folders or labels."""

from collections.abc import Mapping, Sequence

from ..categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
    canonical_names,
)


def find_classes(names: Mapping[str, str]) -> tuple[str, ...]:
    """Build a class list from the names in a dataset.

    Args:
        names (Mapping[str, str]): Each name to the place where it was found.

    Returns:
        tuple[str, ...]: Known expressions in canonical order, then all other
        names sorted.

    Raises:
        ValueError: If two names differ in case only.
    """
    spellings: dict[str, str] = {}
    for name in names:
        folded = canonical_name(name).casefold()
        other = spellings.setdefault(folded, name)
        if canonical_name(other) != canonical_name(name):
            raise ValueError(
                f'{names[name]}: {name!r} and {other!r} ({names[other]}) '
                'differ in case only: are they one class? Spell them the '
                'same way, or pass classes=[...] with both'
            )
    known = (*EXPRESSIONS, *COMPOUND_EXPRESSIONS)
    found = {canonical_name(name) for name in names}
    return (
        *(name for name in known if name in found),
        *sorted(found.difference(known)),
    )


def match_classes(
    names: Mapping[str, str], classes: Sequence[str]
) -> dict[str, str]:
    """Find the class of each name in a dataset, by canonical name.

    Args:
        names (Mapping[str, str]): Each name to the place where it was found.
        classes (Sequence[str]): The classes.

    Returns:
        dict[str, str]: Each name to the canonical name of its class.

    Raises:
        ValueError: If a name is not a class, or two classes are the same.
    """
    known = set(canonical_names(classes))
    found = {name: canonical_name(name) for name in names}
    for name, where in names.items():
        if found[name] not in known:
            raise ValueError(
                f'{where}: {name!r} is not among the classes {list(classes)}; '
                f'the labels here are {sorted(names)}'
                f'{_hint(found[name], set(found.values()), classes)}'
            )
    return found


def _hint(name: str, found: set[str], classes: Sequence[str]) -> str:
    """Suggest why a name is not among the classes."""
    known = [canonical_name(other) for other in classes]
    for other, canonical in zip(classes, known, strict=True):
        if canonical.casefold() == name.casefold():
            return f'; did you mean {other!r}?'
    if found.isdisjoint(known):
        return (
            '; none of them is a class, and labels are matched by name, '
            'never by position'
        )
    return ''
