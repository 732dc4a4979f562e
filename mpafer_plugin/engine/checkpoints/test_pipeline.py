from collections.abc import Mapping, Sequence
from typing import Any

READERS = ('LoadImageFromFile', 'mmcv.LoadImageFromFile', 'LoadDecodedImage')
"""Transforms that read an image and do no more."""


_PLAIN = dict(color_type='color', to_float32=False, imdecode_backend='cv2')


# Where an image comes from, not what it is.
_SOURCES = ('cache_dir', 'backend_args', 'file_client_args', 'ignore_empty')


def reads_plainly(step: Mapping[str, Any]) -> bool:
    """Whether a step of a pipeline reads an image in colour and no more.

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
