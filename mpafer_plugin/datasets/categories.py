"""The names of facial expressions, the one order we use, and aliases.

Every dataset numbers its expressions differently, so nothing in this package
relies on a number found on disk: readers turn it into a name and look the
name up in their class list.
"""

import unicodedata
from collections.abc import Sequence

EXPRESSIONS = (
    'neutral',
    'happiness',
    'sadness',
    'surprise',
    'fear',
    'disgust',
    'anger',
    'contempt',
)
"""The eight canonical expressions, in canonical order."""

SEVEN_EXPRESSIONS = EXPRESSIONS[:-1]
"""The canonical order of all datasets without contempt."""

COMPOUND_EXPRESSIONS = (
    'happily surprised',
    'happily disgusted',
    'sadly fearful',
    'sadly angry',
    'sadly surprised',
    'sadly disgusted',
    'fearfully angry',
    'fearfully surprised',
    'angrily surprised',
    'angrily disgusted',
    'disgustedly surprised',
)
"""The eleven compound expressions of RAF-DB, in RAF-DB's order."""

ALIASES = {
    'happy': 'happiness',
    'sad': 'sadness',
    'surprised': 'surprise',
    'fearful': 'fear',
    'disgusted': 'disgust',
    'angry': 'anger',
}
"""Other words for an expression, to the canonical name."""


def indices_by_name(names: Sequence[str], among: Sequence[str]) -> list[int]:
    """Find classes among others by their canonical names.

    Args:
        names (Sequence[str]): Classes, such as those of a dataset.
        among (Sequence[str]): Other classes, such as those of a model.

    Returns:
        list[int]: For each name its index among the others, -1 for none.

    Raises:
        ValueError: If two of the others are the same.
    """
    index = {name: i for i, name in enumerate(canonical_names(among))}
    return [index.get(canonical_name(name), -1) for name in names]


def canonical_names(classes: Sequence[str]) -> list[str]:
    """Find the canonical names of a model's or dataset's classes.

    Args:
        classes (Sequence[str]): The classes, in label order.

    Returns:
        list[str]: Their canonical names.

    Raises:
        ValueError: If two of them are the same.
    """
    names = [canonical_name(name) for name in classes]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f'two of the classes {list(classes)} are {name!r}'
            )
    return names


def canonical_name(name: str) -> str:
    """Find the canonical name of an expression.

    Case, underscores and outer spaces do not matter for names that are known:
    ``'Happy'`` is ``'happiness'`` and ``'Sadly_Angry'`` is ``'sadly angry'``.

    Args:
        name (str): What a file, a folder or a user calls the expression.

    Returns:
        str: The canonical name, or ``name`` itself, unchanged, where it is
        none of ours: users bring their own classes.
    """
    folded = name.strip().lower().replace('_', ' ')
    folded = ALIASES.get(folded, folded)
    if folded in EXPRESSIONS or folded in COMPOUND_EXPRESSIONS:
        return folded
    return name


def tidy_name(name: str) -> str:
    """Write a name in the one form of all that look the same.

    Args:
        name (str): A name.

    Returns:
        str: In Unicode's composed form (NFC), with single inner spaces and
        no outer ones.
    """
    return ' '.join(unicodedata.normalize('NFC', name).split())


def class_key(name: str) -> str:
    """Find the canonical name of a class, however it is written.

    Args:
        name (str): A name.

    Returns:
        str: Equal for names of the same class.
    """
    return canonical_name(tidy_name(name))
