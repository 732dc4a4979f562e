"""What a checkpoint's values have to be, since anyone may have written it."""

import reprlib
from collections.abc import Callable
from typing import Any

import torch
from mmcv.image.geometric import cv2_interp_codes

from mpafer_plugin.engine.checkpoint_entry import ENTRY, check_format
from mpafer_plugin.faces import FaceCrop


def check_values(checkpoint: dict) -> None:
    """Refuse values of other kinds than ``PromptCheckpointHook`` writes.

    Args:
        checkpoint (dict): The content of a file; of the entry all that older
            versions did not write may be absent.

    Raises:
        ValueError: Names the value.
    """
    # Other programs may leave these two out.
    _check('it', {'meta': {}, ENTRY: {}} | checkpoint, _PARTS)
    if ENTRY not in checkpoint:
        return
    entry = checkpoint[ENTRY]
    _check(f'its entry {ENTRY!r}', entry, _FORMAT)
    check_format(entry)
    _check(f'its entry {ENTRY!r}', entry, _ENTRY)
    crop = entry.get('face_crop')
    if crop is not None:
        FaceCrop.from_dict(crop)


def _check(
    place: str, values: dict, rules: dict[str, tuple[Callable, str]]
) -> None:
    for name, (is_allowed, text) in rules.items():
        value = values.get(name)
        if not is_allowed(value):
            raise ValueError(
                f'{place} is malformed: {name}={reprlib.repr(value)} is not '
                f'{text}'
            )


def _or_none(is_allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_allowed(value)


def _are(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(
        isinstance(part, kind) for part in value
    )


def _is_tower(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), str) for name in ('arch', 'fingerprint')
    )


def _is_resize(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    scale: Any = value.get('scale')
    return (
        _are(scale, int)
        and len(scale) == 2
        and min(scale) > 0
        # A list can't be looked up.
        and value.get('interpolation') in list(cv2_interp_codes)
    )


_NAMES = (_or_none(lambda value: _are(value, str)), 'a list of names')
_TOWER = (_or_none(_is_tower), 'a dict with arch and fingerprint')
_DICT = (lambda value: isinstance(value, dict), 'a dict')

_PARTS = {
    'state_dict': (
        lambda value: (
            isinstance(value, dict) and _are([*value], str)
            and _are([*value.values()], torch.Tensor)
        ),
        'a dict of tensors',
    ),
    'meta': _DICT,
    ENTRY: _DICT,
}  # fmt: skip
_FORMAT = {
    'format': (lambda value: isinstance(value, int), 'a number'),
    'versions': (
        lambda value: (
            isinstance(value, dict)
            and isinstance(value.get('mpafer_plugin'), str)
        ),
        'a dict that names the version of mpafer_plugin',
    ),
}
_ENTRY = {
    'classes': _NAMES,
    'prompt_words': _NAMES,
    'image_tower': _TOWER,
    'text_tower': _TOWER,
    'hard_prompts': (
        _or_none(
            lambda value: (
                isinstance(value, list)
                and all(texts and _are(texts, str) for texts in value)
            )
        ),
        'a list of lists of texts',
    ),
    'settings': (_or_none(_DICT[0]), 'a dict'),
    'resize': (
        _or_none(_is_resize),
        'a dict of scale, [width, height] in pixels, and interpolation, one '
        f'of {", ".join(cv2_interp_codes)}',
    ),
}
