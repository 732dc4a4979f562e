from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.registry import MODELS
from torch import nn

from mpafer_plugin.engine.checkpoints.metadata import ENTRY, model_settings
from mpafer_plugin.engine.checkpoints.test_pipeline import (
    pipeline_of,
    reads_plainly,
    resize_of,
)
from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.models import PromptedCLIPViT

from .checkpoint_model import (
    NEEDS_CONFIG,
    load_trained,
    model_from_checkpoint,
    read_checkpoint,
)


@dataclass(frozen=True)
class TrainedSetting:
    """A model, and how the images that it takes are made.

    Args:
        model (nn.Module): Filled, on the CPU.
        classes (list[str]): Names of the classes, in label order.
        pipeline (list[dict]): The test pipeline behind reading.
        resize (bool): Whether the pipeline does no more than resize.
        face_crop (dict, optional): The crop that training saw.
    """

    model: nn.Module
    classes: list[str]
    pipeline: list[dict]
    resize: bool
    face_crop: dict | None

    def crop(self, detector: str, given: FaceCrop | None = None) -> FaceCrop:
        """Choose the crop: the given one, that of the training, the default.

        Args:
            detector (str): With 'none' nothing is cropped; else the log warns
                if the crop may not be that of the training.
            given (FaceCrop, optional): What the caller wants.
        """
        stated = None
        if self.face_crop is not None:
            stated = FaceCrop.from_dict(self.face_crop)
        crop = given or stated or FaceCrop()
        logger = MMLogger.get_current_instance()
        if detector == 'none' or crop == stated:
            return crop
        if stated is not None:
            logger.warning(
                f'faces are cut out by {crop}, those of the training data '
                f'were by {stated}: results suffer where crops differ'
            )
        elif given is None:
            logger.warning(
                'the training data was used as released: how closely its '
                'faces were cut out is not known. Here they are cut out by '
                f'the default, margin {crop.margin}. Results suffer where '
                'crops differ: look at the training data, and set the margin '
                'by face_crop=FaceCrop(margin=...) in Python, --margin in '
                'tools/predict.py'
            )
        return crop


CONFIG_ENDINGS = ('.py', '.json', '.yaml', '.yml')
"""What a path ends in that is taken as a config; all others are checkpoints.

A config is code. What is in a file does not decide which of them it is.
"""


def find_setting(
    source: str | Path | Config | nn.Module | None,
    weights: str | Path | None = None,
    clip: str | None = None,
) -> TrainedSetting:
    """Find the model that is meant, and how its images are made.

    Args:
        source (str | Path | Config | nn.Module, optional): A model, a config,
            whose path ends as one of :data:`CONFIG_ENDINGS`, or the path of a
            checkpoint.
        weights (str | Path, optional): A checkpoint, whatever its ending:
            for a model or config, or alone, with ``source=None``.
        clip (str, optional): See :func:`model_from_checkpoint`.

    Raises:
        ValueError: If these do not make a trained model.
    """
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        if path.suffix.lower() not in CONFIG_ENDINGS:
            if weights is not None:
                raise ValueError(
                    f'{str(source)!r} is taken as a checkpoint, as it does '
                    f'not end in {", ".join(CONFIG_ENDINGS)}; with '
                    f'weights={str(weights)!r} there would be two'
                )
            source, weights = None, path
    if source is None:
        if weights is None:
            raise ValueError('neither a model nor weights are given')
        return _from_checkpoint(weights, clip)
    if clip is not None:
        raise ValueError(
            f'clip={clip!r} is for a checkpoint alone: a config or model '
            'names its own CLIP weights'
        )
    if isinstance(source, nn.Module):
        return _from_model(source, weights)
    if weights is None:
        raise ValueError(
            'a config alone has no trained prompts: give weights=CHECKPOINT'
        )
    return _from_config(source, weights)


def _from_checkpoint(path: str | Path, clip: str | None) -> TrainedSetting:
    checkpoint = read_checkpoint(path)
    try:
        model = model_from_checkpoint(checkpoint, clip)
    except ValueError as error:
        raise ValueError(f'{str(path)!r}: {error}') from error
    resize = checkpoint[ENTRY].get('resize')
    if resize is None:
        raise ValueError(
            f'{str(path)!r}: the test pipeline of its training does more than '
            f'resize: {NEEDS_CONFIG}'
        )
    return _resizing(model, path, checkpoint, resize)


def _from_model(model: nn.Module, path: str | Path | None) -> TrainedSetting:
    backbone = getattr(model, 'backbone', None)
    if not isinstance(backbone, PromptedCLIPViT):
        raise ValueError(
            'a model without PromptedCLIPViT does not say what size it takes: '
            'give its config'
        )
    checkpoint = {} if path is None else read_checkpoint(path)
    if path is not None:
        _load(model, path, checkpoint)
    # A model does not say how images are resized, its checkpoint may.
    resize = checkpoint.get(ENTRY, {}).get('resize') or dict(
        scale=list(backbone.tower.image_size[::-1]), interpolation='bicubic'
    )
    _warn_of_differences(path, checkpoint, model, resize)
    return _resizing(model, path, checkpoint, resize)


def _from_config(
    source: str | Path | Config, path: str | Path
) -> TrainedSetting:
    # Before the config, which is executed.
    checkpoint = read_checkpoint(path)
    cfg = source if isinstance(source, Config) else Config.fromfile(source)
    steps = pipeline_of(cfg)
    if not steps:
        raise ValueError('the config has no test_dataloader with a pipeline')
    if not reads_plainly(steps[0]):
        raise ValueError(
            f'the test pipeline begins with {dict(steps[0])}; images are '
            'read in colour here, as LoadImageFromFile does without options'
        )
    model = MODELS.build(cfg.model)
    _load(model, path, checkpoint)
    resize = resize_of(steps)
    _warn_of_differences(path, checkpoint, model, resize)
    return TrainedSetting(
        model,
        _classes(model, checkpoint),
        list(steps[1:]),
        resize is not None,
        checkpoint.get(ENTRY, {}).get('face_crop'),
    )


def _resizing(
    model: Any, path: str | Path | None, checkpoint: dict, resize: dict
) -> TrainedSetting:
    """Make the setting of a model whose images are resized, no more."""
    height, width = model.backbone.tower.image_size
    if resize['scale'] != [width, height]:
        raise ValueError(
            f'{str(path)!r}: images are resized to {resize["scale"]}, its '
            f'model takes {width} x {height} pixels'
        )
    return TrainedSetting(
        model,
        _classes(model, checkpoint),
        [
            dict(
                type='Resize',
                scale=(width, height),
                interpolation=resize['interpolation'],
            ),
            dict(type='PackInputs'),
        ],
        True,
        checkpoint.get(ENTRY, {}).get('face_crop'),
    )


def _load(model: nn.Module, path: str | Path, checkpoint: dict) -> None:
    try:
        load_trained(model, checkpoint)
    except ValueError as error:
        raise ValueError(f'{str(path)!r}: {error}') from error


def _warn_of_differences(
    path: str | Path | None,
    checkpoint: dict,
    model: nn.Module,
    resize: dict | None,
) -> None:
    entry = checkpoint.get(ENTRY, {})
    differences = setting_differences(entry, model, resize)
    if differences:
        MMLogger.get_current_instance().warning(
            f'{str(path)!r} was trained with other settings, so that '
            f'predictions are others than in its training: {differences}'
        )


def _classes(model: nn.Module, checkpoint: dict) -> list[str]:
    text = getattr(getattr(model, 'head', None), 'text', None)
    meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
    classes = text.classes if text is not None else meta.get('classes')
    if classes is None:
        raise ValueError(
            'neither the model nor its checkpoint says what its classes are'
        )
    return list(classes)


def setting_differences(
    entry: dict, model: nn.Module, resize: dict | None
) -> str:
    """Say where a model differs from the one that a checkpoint was trained in.

    Both run, but the predictions are others than those of the training.

    Args:
        entry (dict): The checkpoint's, see :func:`describe`; {} if it has
            none.
        model (nn.Module): What a config or a caller built.
        resize (dict, optional): How its images are resized, see
            :func:`resize_of`.

    Returns:
        str: Each setting with both values; '' if none differs, or the
        checkpoint does not say.
    """
    found, own = (
        # What the CLIP weights are called does not matter.
        {name: v for name, v in (settings or {}).items() if name != 'clip'}
        for settings in (entry.get('settings'), model_settings(model))
    )
    texts = [
        _text(name, found[name], own[name])
        for name in found
        if name in own and found[name] != own[name]
    ]
    if 'resize' in entry:
        here = resize or {}
        stored = entry['resize'] or {}
        texts += [
            _text(name, stored.get(name), here.get(name))
            for name in ('scale', 'interpolation')
            if stored.get(name) != here.get(name)
        ]
    return '; '.join(texts)


def _text(name: str, found: Any, own: Any) -> str:
    first, second = (
        'more than a resize' if value is None else repr(value)
        for value in (found, own)
    )
    return f'{name}: {first} in the checkpoint, {second} here'
