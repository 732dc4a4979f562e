"""RAF-DB's labels, file names and published counts."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from mpafer_plugin.utils.quoting import quote

from ..categories import COMPOUND_EXPRESSIONS, canonical_name

PARTS = ('train', 'test')
"""The official parts."""

BASIC_LABELS: Mapping[int, str] = {
    1: 'surprise',
    2: 'fear',
    3: 'disgust',
    4: 'happiness',
    5: 'sadness',
    6: 'anger',
    7: 'neutral',
}
"""Number -> basic expression."""

COMPOUND_LABELS: Mapping[int, str] = dict(enumerate(COMPOUND_EXPRESSIONS, 1))
"""Number -> compound expression."""

BASIC_COUNTS: Mapping[str, Mapping[str, int]] = {
    part: dict(zip(BASIC_LABELS.values(), counts, strict=True))
    for part, counts in {
        'train': (1290, 281, 717, 4772, 1982, 705, 2524),
        'test': (329, 74, 160, 1185, 478, 162, 680),
    }.items()
}
"""Published number of images: official part -> name -> count."""

COMPOUND_TOTALS: Mapping[str, int] = {'train': 3162, 'test': 792}
"""Published number of compound images, all classes together."""

_OFFICIAL = re.compile(r'((?:train|test)_\d+)(?:_aligned)?', re.ASCII)


def parse_label(text: str, numbers: Mapping[Any, str], where: str) -> str:
    """Return the expression of a label, which is a number or a name.

    Args:
        text (str): The label as written.
        numbers (Mapping[Any, str]): Number to expression.
        where (str): File and line, for the error.

    Returns:
        str: One of the names in ``numbers``.

    Raises:
        ValueError: If it is neither a number nor a name among ``numbers``.
    """
    names = {str(number): name for number, name in numbers.items()}
    name = names.get(text, canonical_name(text))
    if name not in names.values():
        raise ValueError(
            f'{where}: unknown label {quote(text)}; the labels are '
            f'{dict(numbers)}'
        )
    return name


def image_key(path: str) -> str:
    """Return the name of an image common to all layouts and crops.

    Args:
        path (str): Path of the image, in any folder.

    Returns:
        str: ``train_00001.jpg`` for all of ``train_00001.jpg``,
        ``1/train_00001_aligned.jpg`` and ``train_00001.PNG``; the path itself
        if the name is not RAF-DB's.
    """
    stem, _ = posixpath.splitext(posixpath.basename(path))
    official = _OFFICIAL.fullmatch(stem)
    return f'{official[1]}.jpg' if official else path
