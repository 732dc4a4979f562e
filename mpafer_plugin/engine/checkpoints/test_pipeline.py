"""Test pipelines that only load, resize and pack an image."""

from collections.abc import Mapping, Sequence
from typing import Any

_LOADERS = ('LoadImageFromFile', 'mmcv.LoadImageFromFile', 'LoadDecodedImage')
_DEFAULTS = dict(color_type='color', to_float32=False, imdecode_backend='cv2')
# Options about where an image comes from, which do not change it.
_SOURCES = ('cache_dir', 'backend_args', 'file_client_args', 'ignore_empty')


def loads_color_image(step: Mapping[str, Any]) -> bool:
    """Return whether a transform loads an image in color and nothing more.

    Args:
        step (Mapping): Config of the transform.
    """
    return step.get('type') in _LOADERS and all(
        name in _SOURCES or (name in _DEFAULTS and value == _DEFAULTS[name])
        for name, value in step.items()
        if name != 'type'
    )


def pipeline_of(cfg: Mapping[str, Any]) -> list | None:
    """Return the test pipeline of a config, or else that of validation.

    Without both, it is the config's ``test_pipeline``, as configs of the host
    and ours call it.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if not loader:
        return cfg.get('test_pipeline')
    return loader.get('dataset', {}).get('pipeline')


def resize_of(pipeline: Sequence[Mapping[str, Any]] | None) -> dict | None:
    """Return how a test pipeline resizes, if it does nothing else.

    Args:
        pipeline (Sequence[Mapping], optional): Configs of transforms.

    Returns:
        dict | None: ``scale`` [w, h] and ``interpolation``; None for a
        pipeline that does more than load, resize and pack.
    """
    steps = [dict(step) for step in pipeline or ()]
    if not steps or not loads_color_image(steps.pop(0)):
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
