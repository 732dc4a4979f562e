"""Kinds of the values that describe a model in a checkpoint."""

from typing import Any
from unicodedata import category

from mmcv.image.geometric import cv2_interp_codes

from mpafer_plugin.utils.numbers import is_number, is_whole

from .file import fits

LARGEST = 10**6
"""Largest weight or scale of logits, which stay finite (ours)."""


def _is_weight(value: Any) -> bool:
    return is_number(value) and abs(value) <= LARGEST


def _is_text(value: Any) -> bool:
    """Return whether a value is a text to print, which a file can hold."""
    if not isinstance(value, str) or not value.strip():
        return False
    if any(category(sign) == 'Cc' for sign in value):  # moves the terminal's
        return False
    return value.isascii() or value.encode(errors='ignore').decode() == value


def _is_size(value: Any) -> bool:
    """Return whether a value is a list of two lengths in pixels."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_whole(side, 1) for side in value)
    )


def _is_color(value: Any) -> bool:
    """Return whether a value is a list of three numbers."""
    return fits(value, [is_number]) and len(value) == 3


def _are_names(value: Any) -> bool:
    return fits(value, [_is_text]) and len(value) > 0


_NAMES = _are_names, 'a list of names'
_TOWER = (
    dict(
        arch=_is_text,
        fingerprint=str,
        image_size=lambda x: x is None or _is_size(x),
    ),
    'a dict with arch, fingerprint and, if any, image_size [h, w] in pixels',
)
KINDS: dict[str, tuple[Any, str]] = dict(
    format=(is_whole, 'a number'),
    versions=(
        dict(mpafer_plugin=_is_text),
        'a dict that names the version of mpafer_plugin',
    ),
    tensors=([str], 'a list of names'),
    classes=_NAMES,
    prompt_words=_NAMES,
    image_tower=_TOWER,
    text_tower=_TOWER,
    hard_prompts=(
        [lambda x: fits(x, [str]) and len(x) > 0],
        'a list of lists of texts',
    ),
    hard_prompts_digest=(str, 'a string'),
    settings=(dict, 'a dict'),  # see SETTINGS
    face_crop=(object, ''),  # FaceCrop.from_dict checks it
    resize=(
        dict(
            scale=_is_size,
            interpolation=lambda x: fits(x, str) and x in cv2_interp_codes,
        ),
        'a dict of scale, [width, height] in pixels, and interpolation, one '
        f'of {", ".join(cv2_interp_codes)}',
    ),
    calibration=(
        dict(temperature=lambda x: is_number(x) and x > 0),
        'a dict with temperature, a positive number',
    ),
)
"""Of each key: its kind, see fits(), in code and in words."""

SETTINGS: dict[str, tuple[Any, str]] = dict(
    clip=(lambda x: x is None or _is_text(x), 'a name'),
    mean=(_is_color, 'three numbers'),
    std=(
        lambda x: _is_color(x) and min(x) > 0,
        'three positive numbers',
    ),
    to_rgb=(bool, 'true or false'),
    top_k=(lambda x: is_whole(x, 1), 'a whole number from 1 on'),
    local_weight=(_is_weight, f'a number up to {LARGEST:,}'),
    proto_weight=(
        lambda x: x is None or _is_weight(x),
        f'a number up to {LARGEST:,}',
    ),
    logit_scale=(
        lambda x: (
            (fits(x, str) and x in ('clip', 'learnable'))
            or (_is_weight(x) and x > 0)
        ),
        f"a positive number up to {LARGEST:,}, 'clip' or 'learnable'",
    ),
)
"""Of each setting the same."""
