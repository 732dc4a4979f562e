"""What a checkpoint says it belongs to, and whether that is the model."""

import logging
import reprlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mmengine
import mmpretrain
import torch
from mmcv.image.geometric import cv2_interp_codes

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.version import __version__

FORMAT = 1
ENTRY = 'mpafer'


def describe(model: torch.nn.Module) -> dict:
    """Say, as plain data, what the prompts of a classifier belong to.

    Args:
        model (nn.Module): A classifier. Parts of it that are not ours are
            described by None.
    """
    backbone = getattr(model, 'backbone', None)
    text = getattr(getattr(model, 'head', None), 'text', None)
    return dict(
        format=FORMAT,
        classes=text and list(text.classes),
        prompt_words=text and list(text.words),
        image_tower=_tower(backbone),
        text_tower=text and _tower(text),
        hard_prompts=text and text.hard_texts,
        hard_prompts_digest=text and text.descriptions_digest,
        settings=model_settings(model),
        versions=dict(
            mpafer_plugin=__version__,
            torch=str(torch.__version__),
            mmengine=mmengine.__version__,
            mmpretrain=mmpretrain.__version__,
            open_clip=version('open_clip_torch'),
        ),
    )


def _tower(part) -> dict | None:
    if not hasattr(part, 'fingerprint'):
        return None
    # Of an architecture file only the name: its folder is nobody's business.
    return dict(arch=Path(part.arch).name, fingerprint=part.fingerprint)


def identity(value):
    """What has to agree: of a tower its fingerprint, whatever its name."""
    return value['fingerprint'] if isinstance(value, dict) else value


def check_format(found: dict) -> None:
    """Refuse what a later version wrote.

    Raises:
        ValueError: If the entry has a format that is not known here.
    """
    if found['format'] > FORMAT:
        raise ValueError(
            f'the checkpoint has format {found["format"]}, this version '
            f'reads up to {FORMAT}: update mpafer_plugin (it was written by '
            f'{found["versions"]["mpafer_plugin"]})'
        )


def compare(found: dict, own: dict, resume: bool) -> None:
    """Compare a checkpoint's entry with that of a model.

    Args:
        found (dict): The checkpoint's.
        own (dict): The model's, see :func:`describe`.
        resume (bool): Whether training goes on, for which other hard prompts
            are an error; else they are a warning.

    Raises:
        ValueError: If the prompts would mean something else in the model.
    """
    check_format(found)
    differences = [
        f'{key}: the checkpoint has {found.get(key)}, this model {own[key]}'
        for key in ('classes', 'prompt_words', 'image_tower', 'text_tower')
        if identity(found.get(key)) != identity(own[key])
    ]
    if differences:
        raise ValueError(
            'the checkpoint does not belong to this model.\n'
            + '\n'.join(differences)
        )
    if found.get('hard_prompts_digest') != own['hard_prompts_digest']:
        message = (
            f'hard prompts: the checkpoint was trained with '
            f'{found.get("hard_prompts")}, this model has '
            f'{own["hard_prompts"]}'
        )
        if resume:
            raise ValueError(message)
        # Predictions don't depend on them.
        mmengine.print_log(message, 'current', logging.WARNING)


def check_tensors(state_dict: dict, model: torch.nn.Module) -> None:
    """Compare names and shapes of tensors with those that a model saves.

    Raises:
        ValueError: If any differ.
    """
    found, expected = _shapes(state_dict), _shapes(model.state_dict())
    if found != expected:
        raise ValueError(
            'the checkpoint does not fit the model; it has '
            f'{dict(sorted(found.items() - expected.items()))}, the '
            f'model {dict(sorted(expected.items() - found.items()))}'
        )


def _shapes(state_dict: dict) -> dict[str, tuple[int, ...]]:
    return {
        name.removeprefix('module.'): tuple(tensor.shape)
        for name, tensor in state_dict.items()
    }


def model_settings(model: torch.nn.Module) -> dict | None:
    """Say, as plain data, how a classifier differs from the default one.

    What follows from the shapes of the checkpoint's tensors is not repeated:
    numbers of prompts and context vectors.

    Args:
        model (nn.Module): A classifier.

    Returns:
        dict | None: Arguments of the head, of the data preprocessor, and the
        CLIP weights that the config named (of a local file the name alone);
        None for a model that is not a frozen :class:`PromptedCLIPViT` with
        :class:`PromptAlignmentHead` and :class:`PromptedCLIPText` on its
        features.
    """
    # Not at the top: models are registered after the engine.
    from mpafer_plugin.models import (
        PromptAlignmentHead,
        PromptedCLIPText,
        PromptedCLIPViT,
    )

    backbone = getattr(model, 'backbone', None)
    head = getattr(model, 'head', None)
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if (
        type(backbone) is not PromptedCLIPViT
        or not backbone.tower.frozen
        or type(head) is not PromptAlignmentHead
        or type(head.text) is not PromptedCLIPText
        or backbone.out_type != 'aligned'
        or not isinstance(head.projection, torch.nn.Identity)
        or not getattr(preprocessor, '_enable_normalize', False)
    ):
        return None
    scale: str | float
    if isinstance(head.log_scale, torch.nn.Parameter):
        scale = 'learnable'
    elif head.log_scale == head.text.tower.logit_scale:
        scale = 'clip'
    else:
        scale = float(head.log_scale.exp())
    return dict(
        clip=backbone.pretrained and _name(backbone.pretrained),
        mean=preprocessor.mean.flatten().tolist(),
        std=preprocessor.std.flatten().tolist(),
        to_rgb=preprocessor.to_rgb,
        top_k=head.top_k,
        local_weight=float(head.local_weight),
        proto_weight=float(head.proto_weight),
        logit_scale=scale,
    )


def _name(weights: str) -> str:
    """Of a file only the name: its folder is nobody's business."""
    return weights.replace('\\', '/').rpartition('/')[2]


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
        # A list cannot be looked up.
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
