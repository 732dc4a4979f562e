"""AffectNet's labels, and the files that contain one."""

import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from mpafer_plugin.utils.quoting import quote

from ..categories import EXPRESSIONS

LABEL_NAMES: Mapping[str, str] = {
    str(number): name
    for number, name in enumerate(
        (*EXPRESSIONS, 'none', 'uncertain', 'no-face')
    )
}
"""Id as written -> name; AffectNet's order is canonical."""

AFFECTNET_COUNTS: Mapping[str, Mapping[str, int]] = {
    part: dict(zip(EXPRESSIONS, counts, strict=True))
    for part, counts in {
        'train': (74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750),
        'val': (500,) * 8,
    }.items()
}
"""Published number of images: official part -> name -> count."""


def parse_label(text: str, where: str) -> str:
    """Return the name of an id.

    Args:
        text (str): The id as written.
        where (str): The file, and its line if it has lines.

    Returns:
        str: The name, one of :data:`LABEL_NAMES`.

    Raises:
        ValueError: If it is not one of AffectNet's ids.
    """
    if text not in LABEL_NAMES:
        raise ValueError(
            f'{where}: unknown expression {quote(text)}; the expressions are '
            f'{dict(LABEL_NAMES)}'
        )
    return LABEL_NAMES[text]


def read_label(content: bytes, where: str) -> str:
    """Read a file such as ``0_exp.npy``.

    Args:
        content (bytes): Content of the file: a string or integer scalar.
            Pickles are refused, as they can run code.
        where (str): The file.

    Returns:
        str: The name, one of :data:`LABEL_NAMES`.

    Raises:
        ValueError: If the file cannot be read or holds something else.
    """
    try:
        text = _scalar(content)
    except Exception as error:  # numpy raises many types on damaged files
        raise ValueError(
            f'{where}: cannot read the expression: {error}; expected an array '
            "without dimensions that holds a string such as '3'"
        ) from error
    return parse_label(text, where)


@lru_cache(maxsize=256)
def _scalar(content: bytes) -> str:
    """Parse a file; nearly 300,000 files have eleven different contents."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError('it is a zip archive of arrays')
    if array.shape != () or array.dtype.kind not in 'Uiu':
        raise ValueError(f'it holds {array.dtype} of shape {array.shape}')
    return str(array.item()).strip()
