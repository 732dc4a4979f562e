import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.registry import MODELS
from torch import nn

from mpafer_plugin.engine.checkpoint_entry import ENTRY
from mpafer_plugin.engine.model_settings import READERS
from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.models import PromptedCLIPViT

from .checkpoint_reading import load_trained, read_checkpoint
from .trained_model import model_from_checkpoint


@dataclass(frozen=True)
class TrainedSetting:
    """A model, and how the pictures that it takes are made.

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

    def crop(self, detector: str) -> FaceCrop:
        """Read the crop; where none is stated take the default and say so.

        Args:
            detector (str): 'none' crops nothing, so that nothing is said.
        """
        if self.face_crop is not None:
            return FaceCrop.from_dict(self.face_crop)
        crop = FaceCrop()
        if detector != 'none':
            MMLogger.get_current_instance().info(
                'the training data states no face crop (as released): faces '
                f'are cut out by the default, {crop}'
            )
        return crop


def trained_setting(
    source: str | Path | Config | nn.Module,
    weights: str | Path | None = None,
    clip: str | None = None,
) -> TrainedSetting:
    """Find the model that is meant, and how its pictures are made.

    Args:
        source (str | Path | Config | nn.Module): A checkpoint, a config or a
            model.
        weights (str | Path, optional): A checkpoint for the latter two.
        clip (str, optional): See :func:`model_from_checkpoint`.

    Raises:
        ValueError: If these do not make a trained model.
    """
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        # Checkpoints are zip archives, whatever their ending. What is not
        # there is one too, if no config could have its ending.
        if zipfile.is_zipfile(path) or path.suffix == '.pth':
            if weights is not None:
                raise ValueError(
                    f'{str(source)!r} is a checkpoint; with '
                    f'weights={str(weights)!r} there would be two'
                )
            return _from_checkpoint(path, clip)
    if clip is not None:
        raise ValueError(
            f'clip={clip!r} is for a checkpoint alone: a config or model '
            'names its own CLIP weights'
        )
    if isinstance(source, nn.Module):
        return _from_model(source, weights)
    cfg = source if isinstance(source, Config) else Config.fromfile(source)
    if weights is None:
        raise ValueError(
            'a config alone has no trained prompts: give weights=CHECKPOINT'
        )
    checkpoint = read_checkpoint(weights)
    model = MODELS.build(cfg.model)
    load_trained(model, checkpoint)
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    steps = loader.get('dataset', {}).get('pipeline')
    if steps is None:
        raise ValueError('the config has no test_dataloader with a pipeline')
    pipeline = [step for step in steps if step['type'] not in READERS]
    return TrainedSetting(
        model,
        _classes(model, checkpoint),
        pipeline,
        [step['type'] for step in pipeline] == ['Resize', 'PackInputs'],
        checkpoint.get(ENTRY, {}).get('face_crop'),
    )


def _from_checkpoint(path: Path, clip: str | None) -> TrainedSetting:
    checkpoint = read_checkpoint(path)
    try:
        model = model_from_checkpoint(checkpoint, clip)
    except ValueError as error:
        raise ValueError(f'{str(path)!r}: {error}') from error
    entry = checkpoint[ENTRY]
    resize = entry.get('resize')
    if resize is None:
        raise ValueError(
            f'{str(path)!r}: the test pipeline of its training does more than '
            'resize: give the config too, as FERInferencer(CONFIG, '
            'weights=FILE) or --config CONFIG'
        )
    size = model.backbone.tower.image_size
    if tuple(resize['scale'][::-1]) != size:
        raise ValueError(
            f'{str(path)!r}: pictures are resized to {resize["scale"]}, its '
            f'model takes {size[1]} x {size[0]} pixels'
        )
    return TrainedSetting(
        model,
        _classes(model, checkpoint),
        _resize(resize),
        True,
        entry.get('face_crop'),
    )


def _from_model(
    model: nn.Module, weights: str | Path | None
) -> TrainedSetting:
    checkpoint: dict = {}
    if weights is not None:
        checkpoint = read_checkpoint(weights)
        load_trained(model, checkpoint)
    backbone = getattr(model, 'backbone', None)
    if not isinstance(backbone, PromptedCLIPViT):
        raise ValueError(
            'a model without PromptedCLIPViT does not say what size it takes: '
            'give its config'
        )
    height, width = backbone.tower.image_size
    resize = dict(scale=(width, height), interpolation='bicubic')
    return TrainedSetting(
        model,
        _classes(model, checkpoint),
        _resize(resize),
        True,
        checkpoint.get(ENTRY, {}).get('face_crop'),
    )


def _resize(resize: Mapping) -> list[dict]:
    width, height = resize['scale']
    return [
        dict(
            type='Resize',
            scale=(int(width), int(height)),
            interpolation=resize['interpolation'],
        ),
        dict(type='PackInputs'),
    ]


def _classes(model: nn.Module, checkpoint: dict) -> list[str]:
    text = getattr(getattr(model, 'head', None), 'text', None)
    meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
    classes = text.classes if text is not None else meta.get('classes')
    if classes is None:
        raise ValueError(
            'neither the model nor its checkpoint says what its classes are'
        )
    return list(classes)
