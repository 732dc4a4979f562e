"""Trained models, ready to predict."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.registry import MODELS
from torch import nn

from mpafer_plugin.clip.precision import cast_towers, choose_dtype
from mpafer_plugin.datasets.relabel_config import relabel_config
from mpafer_plugin.engine.checkpoints.file import (
    check_tensors,
    read_checkpoint,
)
from mpafer_plugin.engine.checkpoints.metadata import CheckpointMeta
from mpafer_plugin.engine.checkpoints.test_pipeline import (
    loads_color_image,
    pipeline_of,
    resize_of,
)
from mpafer_plugin.models import PromptedCLIPViT

from .checkpoint_model import NEEDS_CONFIG, model_from_meta
from .device import find_device
from .open_words import open_words

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')
"""Suffixes of configs, which are executed; all other files are checkpoints.

The content of a file does not decide which of them it is.
"""

NEEDS_WEIGHTS = (
    'a config alone has no trained parameters: give weights=CHECKPOINT'
)


@dataclass(frozen=True)
class LoadedModel:
    """Trained model together with its preprocessing.

    Attributes:
        model (nn.Module): On its device, in evaluation mode.
        classes (list[str]): Names of the classes, in label order.
        pipeline (list[dict]): The test pipeline after loading the image.
        resize (bool): Whether the pipeline only resizes.
        face_crop (dict, optional): Crop config of the training data.
        dtype (torch.dtype, optional): Chosen dtype of the forward pass, to
            which frozen towers were cast; None if the model is as given.
        temperature (float, optional): Stored by ``mpafer report
            --store-temperature``.
    """

    model: nn.Module
    classes: list[str]
    pipeline: list[dict]
    resize: bool
    face_crop: dict | None
    dtype: torch.dtype | None = None
    temperature: float | None = None

    def autocast(self) -> AbstractContextManager:
        """Return the context of a forward pass: the rest follows autocast."""
        if self.dtype in (None, torch.float32):
            return nullcontext()
        device = next(self.model.parameters()).device.type
        return torch.autocast(device, self.dtype)


def load_model(
    source: str | Path | Config | nn.Module | None,
    weights: str | Path | None = None,
    clip: str | None = None,
    device: str | torch.device | None = None,
    dtype: str = 'auto',
    classes: Sequence[str] | None = None,
) -> LoadedModel:
    """Load a model and its preprocessing from a model, config or checkpoint.

    Args:
        source (str | Path | Config | nn.Module, optional): A model, a config,
            whose path ends in one of :data:`CONFIG_SUFFIXES`, or the path of
            a checkpoint.
        weights (str | Path, optional): A checkpoint, whatever its suffix: for
            a model or config, or alone, with ``source=None``. A path that
            ends in .onnx is a model of ``mpafer export``, which is complete.
            A :class:`Config` without trainable parameters (zero-shot) needs
            none.
        clip (str, optional): See :func:`model_from_meta`; for a checkpoint
            alone.
        device (str | torch.device, optional): See :func:`find_device`.
        dtype (str): See :func:`choose_dtype`. Under 'auto', the default, a
            given model, and one without :class:`PromptedCLIPViT`, stays.
        classes (Sequence[str], optional): See :func:`open_words`; a given
            model is copied.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ImportError: If onnxruntime is needed and not installed.
        ValueError: If the device cannot be used, the arguments do not
            determine a trained model, the checkpoint is refused, or it does
            not fit the model.
    """
    device = find_device(device)
    if (
        isinstance(source, (str, Path))
        and Path(source).suffix.lower() not in CONFIG_SUFFIXES
    ):
        if weights is not None:
            raise ValueError(
                f'{str(source)!r} is taken as a checkpoint, as it does '
                f'not end in {", ".join(CONFIG_SUFFIXES)}; with '
                f'weights={str(weights)!r} there would be two'
            )
        source, weights = None, source
    if source is None and weights is None:
        raise ValueError('neither a model nor weights are given')
    if weights is not None and Path(weights).suffix.lower() == '.onnx':
        options = dict(model_or_config=source, clip=clip, classes=classes)
        if dtype != 'auto':
            options['dtype'] = dtype
        return _from_onnx(weights, device, options)
    if source is not None and clip is not None:
        raise ValueError(
            f'clip={clip!r} is for a checkpoint alone: a config or model '
            'names its own CLIP weights'
        )
    if weights is None and isinstance(source, (str, Path)):
        raise ValueError(NEEDS_WEIGHTS)
    # Before the config, which is executed.
    checkpoint = {} if weights is None else read_checkpoint(weights)
    model, steps = source, None
    if source is not None and not isinstance(source, nn.Module):
        model, steps = _from_config(source)
        untrained = any(p.requires_grad for p in model.parameters())
        if weights is None and untrained:
            raise ValueError(NEEDS_WEIGHTS)
    if isinstance(source, nn.Module) and classes is not None:
        model = deepcopy(source).cpu().float()
    try:
        loaded, differences = _load(model, steps, checkpoint, clip)
        if classes is not None:
            names = open_words(loaded.model, classes)
            loaded = replace(loaded, classes=names)
    except ValueError as error:
        if weights is None:
            raise
        raise ValueError(f'{str(weights)!r}: {error}') from error
    if differences:
        MMLogger.get_current_instance().warning(
            f'{str(weights)!r} was trained with other settings, so predictions'
            f' differ from those in training: {"; ".join(differences)}'
        )
    backbone: Any = getattr(loaded.model, 'backbone', None)
    arch = backbone.arch if isinstance(backbone, PromptedCLIPViT) else None
    if dtype != 'auto' or (arch and loaded.model is not source):
        chosen = choose_dtype(dtype, device.type, arch)
        cast_towers(loaded.model, chosen)
        loaded = replace(loaded, dtype=chosen)
    loaded.model.to(device).eval()
    return loaded


def _from_onnx(
    path: str | Path, device: torch.device, options: dict[str, Any]
) -> LoadedModel:
    """Load a model of ``mpafer export``, which has no options."""
    from mpafer_plugin.export.onnx_classifier import OnnxClassifier

    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f'{name}={value!r} is not for the exported model '
                f'{str(path)!r}, which is complete: give its checkpoint'
            )
    model = OnnxClassifier(path, device.type)
    size, interpolation = (
        model.meta.input[name] for name in ('size', 'interpolation')
    )
    steps = _resizing_steps(size[::-1], interpolation)
    return LoadedModel(
        model.eval(), model.meta.classes, steps[1:], True, model.meta.crop
    )


def _from_config(source: str | Path | Config) -> tuple[nn.Module, list]:
    """Build a model, and return its test pipeline."""
    cfg = source if isinstance(source, Config) else Config.fromfile(source)
    relabel_config(cfg)
    steps = pipeline_of(cfg)
    if not steps:
        raise ValueError(
            'the config has no test_pipeline, nor a test_dataloader with one'
        )
    if not loads_color_image(steps[0]):
        raise ValueError(
            f'the test pipeline begins with {dict(steps[0])}; images are '
            'loaded in color here, as LoadImageFromFile does without options'
        )
    return MODELS.build(cfg.model), steps


def _load(
    given: Any, steps: list | None, checkpoint: dict, clip: str | None
) -> tuple[LoadedModel, list[str]]:
    """Load a checkpoint into a model, which it describes if none is given.

    Returns:
        tuple: The loaded model, and how a given one differs from training.
    """
    meta = CheckpointMeta.from_checkpoint(checkpoint)
    model = given
    if model is None:
        model = model_from_meta(meta, checkpoint['state_dict'], clip)
    if steps is None:
        steps = _resizing_pipeline(model, meta, required=given is None)
    resize = resize_of(steps)
    own = CheckpointMeta.from_model(model, resize=resize)
    differences = []
    if meta is not None and given is None:
        # It is built with one hard prompt for each class.
        meta.compare(
            replace(own, hard_prompts_digest=meta.hard_prompts_digest)
        )
    elif meta is not None:
        meta.compare(own)
        differences = meta.differences(own)
    if checkpoint:
        check_tensors(checkpoint['state_dict'], model)
        model.load_state_dict(checkpoint['state_dict'])
    dataset_meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
    classes = own.classes or dataset_meta.get('classes')
    if classes is None:
        raise ValueError(
            'neither the model nor its checkpoint states the classes'
        )
    face_crop = None if meta is None else meta.face_crop
    stored = None if meta is None else meta.calibration
    return (
        LoadedModel(
            model,
            list(classes),
            steps[1:],
            resize is not None,
            face_crop,
            temperature=stored['temperature'] if stored else None,
        ),
        differences,
    )


def _resizing_pipeline(
    model: Any, meta: CheckpointMeta | None, required: bool
) -> list[dict]:
    """Return the test pipeline of a model without a config.

    A model does not state how images are resized for it, its checkpoint may;
    if ``required``, it has to.
    """
    backbone = getattr(model, 'backbone', None)
    if not isinstance(backbone, PromptedCLIPViT):
        raise ValueError(
            'a model without PromptedCLIPViT does not state its image size: '
            'give its config'
        )
    height, width = backbone.tower.image_size
    resize = None if meta is None else meta.resize
    if resize is None and required:
        raise ValueError(
            'the test pipeline of its training does more than resize: '
            + NEEDS_CONFIG
        )
    resize = resize or dict(scale=[width, height], interpolation='bicubic')
    if resize['scale'] != [width, height]:
        raise ValueError(
            f'images are resized to {resize["scale"]}, its model takes '
            f'{width} x {height} pixels'
        )
    return _resizing_steps((width, height), resize['interpolation'])


def _resizing_steps(scale: Sequence[int], interpolation: str) -> list[dict]:
    return [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=tuple(scale), interpolation=interpolation),
        dict(type='PackInputs'),
    ]
