"""Names of facial expressions, their canonical order, and aliases.

Every dataset numbers its expressions differently, so nothing in this package
relies on a number found on disk: a dataset class turns it into a name and
looks the name up in its class list.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from mpafer_plugin.utils.quoting import quote

EXPRESSIONS = (
    'neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger',
    'contempt',
)  # fmt: skip
"""The eight expressions, in canonical order."""

SEVEN_EXPRESSIONS = EXPRESSIONS[:-1]
"""The seven expressions of datasets without contempt."""

COMPOUND_EXPRESSIONS = (
    'happily surprised', 'happily disgusted',
    'sadly fearful', 'sadly angry', 'sadly surprised', 'sadly disgusted',
    'fearfully angry', 'fearfully surprised',
    'angrily surprised', 'angrily disgusted', 'disgustedly surprised',
)  # fmt: skip
"""The eleven compound expressions of RAF-DB, in RAF-DB's order."""

ALIASES = {
    'happy': 'happiness',
    'sad': 'sadness',
    'surprised': 'surprise',
    'fearful': 'fear',
    'disgusted': 'disgust',
    'angry': 'anger',
}
"""Other names of expressions -> canonical name."""


def indices_by_name(names: Sequence[str], among: Sequence[str]) -> list[int]:
    """Look up classes in another class list by canonical name.

    Args:
        names (Sequence[str]): Classes, such as those of a dataset.
        among (Sequence[str]): Other classes, such as those of a model.

    Returns:
        list[int]: Index of each name in ``among``, -1 if it is not there.

    Raises:
        ValueError: If two classes of ``among`` are the same.
    """
    index = {name: i for i, name in enumerate(canonical_names(among))}
    return [index.get(canonical_name(name), -1) for name in names]


def canonical_names(classes: Sequence[str]) -> list[str]:
    """Return the canonical names of a model's or dataset's classes, in order.

    Raises:
        ValueError: If two of them are the same.
    """
    names = [canonical_name(name) for name in classes]
    if len({*names}) < len(names):
        name, _ = Counter(names).most_common(1)[0]
        raise ValueError(
            f'two of the classes {quote([*classes])} are {quote(name)}'
        )
    return names


def canonical_name(name: str) -> str:
    """Return the one name of a class, however it is written.

    Names are equal if they look the same: Unicode forms (which differ
    between file systems) and spaces do not matter. For known expressions
    case, underscores and aliases do not matter either: ``'Happy'`` is
    ``'happiness'`` and ``'Sadly_Angry'`` is ``'sadly angry'``.

    Args:
        name (str): The name in a file, a folder or an argument.

    Returns:
        str: The canonical expression; any other name, as users bring their
        own classes, by :func:`tidy_name`, in its case.
    """
    name = tidy_name(name)
    folded = name.lower().replace('_', ' ')
    folded = ALIASES.get(folded, folded)
    if folded in EXPRESSIONS or folded in COMPOUND_EXPRESSIONS:
        return folded
    return name


def tidy_name(name: str) -> str:
    """Compose a name's Unicode (NFC) and collapse its white space."""
    return ' '.join(unicodedata.normalize('NFC', name).split())
