"""What it takes to build a model again from a checkpoint alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

READERS = ('LoadImageFromFile', 'mmcv.LoadImageFromFile', 'LoadDecodedImage')
"""Transforms that read a picture and do no more."""

_PLAIN = dict(color_type='color', to_float32=False, imdecode_backend='cv2')

# Where a picture comes from, not what it is.
_SOURCES = ('cache_dir', 'backend_args', 'file_client_args', 'ignore_empty')


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


def reads_plainly(step: Mapping[str, Any]) -> bool:
    """Whether a step of a pipeline reads a picture in colour and no more.

    Args:
        step (Mapping): The config of a transform. Options with the values
            that they have by default are understood.
    """
    return step.get('type') in READERS and all(
        name in _SOURCES or (name in _PLAIN and value == _PLAIN[name])
        for name, value in step.items()
        if name != 'type'
    )


def pipeline_of(cfg: Mapping[str, Any]) -> list | None:
    """Find the test pipeline of a config, or else that of validation."""
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    return loader.get('dataset', {}).get('pipeline')


def resize_of(pipeline: Sequence[Mapping[str, Any]] | None) -> dict | None:
    """Say how a test pipeline resizes, if it does nothing else.

    Args:
        pipeline (Sequence[Mapping], optional): Configs of transforms.

    Returns:
        dict | None: ``scale`` (w, h) and ``interpolation``; None where a
        pipeline does more than read, resize and pack.
    """
    steps = [dict(step) for step in pipeline or ()]
    if not steps or not reads_plainly(steps.pop(0)):
        return None
    kinds = [step.pop('type', None) for step in steps]
    if kinds != ['Resize', 'PackInputs']:
        return None
    resize, pack = steps
    scale = resize.get('scale')
    if pack or resize.keys() - {'scale', 'interpolation'}:
        return None
    if isinstance(scale, int):
        scale = (scale, scale)  # as mmcv takes it
    if not isinstance(scale, Sequence) or len(scale) != 2:
        return None
    return dict(
        scale=[int(side) for side in scale],
        interpolation=resize.get('interpolation', 'bilinear'),
    )


def _name(weights: str) -> str:
    """Of a file only the name: its folder is nobody's business."""
    return weights.replace('\\', '/').rpartition('/')[2]
