"""What AffectNet's numbers mean, and the files that hold one of them."""

import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..categories import EXPRESSIONS

NO_EXPRESSIONS = ('none', 'uncertain', 'no-face')
"""What the ids 8, 9 and 10 mean."""

LABEL_NAMES: Mapping[str, str] = {
    str(number): name
    for number, name in enumerate((*EXPRESSIONS, *NO_EXPRESSIONS))
}
"""The ids as they are written, to names: AffectNet's order is canonical."""

AFFECTNET_COUNTS: Mapping[str, Mapping[str, int]] = {
    'train': {
        'neutral': 74874,
        'happiness': 134415,
        'sadness': 25459,
        'surprise': 14090,
        'fear': 6378,
        'disgust': 3803,
        'anger': 24882,
        'contempt': 3750,
    },
    'val': dict.fromkeys(EXPRESSIONS, 500),
}
"""Published number of images: official part to name to count."""


def parse_label(text: str, where: str) -> str:
    """Find the name of an id.

    Args:
        text (str): The id, as it is written.
        where (str): The file, and its line if it has lines.

    Returns:
        str: The name, one of :data:`LABEL_NAMES`.

    Raises:
        ValueError: If it is none of AffectNet's ids.
    """
    if text not in LABEL_NAMES:
        raise ValueError(
            f'{where}: unknown expression {text!r}; the expressions are '
            f'{dict(LABEL_NAMES)}'
        )
    return LABEL_NAMES[text]


def read_label(content: bytes, where: str) -> str:
    """Read a file such as ``0_exp.npy``.

    Args:
        content (bytes): The file's content: a string scalar, or a whole
            number. Pickles are refused, for they could run anything.
        where (str): The file.

    Returns:
        str: The name, one of :data:`LABEL_NAMES`.

    Raises:
        ValueError: If the file is unreadable or holds something else.
    """
    try:
        text = _scalar(content)
    except Exception as error:  # numpy raises of many kinds on damage
        raise ValueError(
            f'{where}: cannot read the expression: {error}; expected an array '
            "without dimensions that holds a string such as '3'"
        ) from error
    return parse_label(text, where)


@lru_cache(maxsize=256)
def _scalar(content: bytes) -> str:
    """Parse a file's content; nearly 300,000 files hold eleven contents."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError('it is a zip archive of arrays')
    if array.shape != () or array.dtype.kind not in 'Uiu':
        raise ValueError(f'it holds {array.dtype} of shape {array.shape}')
    return str(array.item()).strip()
