"""Faces on which an exported model is calibrated and tested."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, TRANSFORMS
from rich.progress import track

from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.datasets.wrappers import (
    inner_datasets,
    without_augmentation,
)
from mpafer_plugin.engine.checkpoints.test_pipeline import pipeline_of
from mpafer_plugin.evaluation import FERMetric
from mpafer_plugin.faces import read_image

from .session import Session


def faces_of_folder(
    folder: str | Path, pipeline: list[dict], num: int
) -> np.ndarray:
    """Read face crops of a folder.

    Args:
        folder (str | Path): Searched recursively.
        pipeline (list[dict]): Test pipeline without its loading step.
        num (int): Most faces, evenly spaced over the sorted files.

    Returns:
        np.ndarray: (B, 3, h, w), RGB in 0 to 255, float32.

    Raises:
        ImageError: If an image cannot be read.
        ValueError: If there is none.
    """
    found = [image for _, image in images_of(str(folder))]
    for item in found:
        if isinstance(item, Exception):
            raise item
    if not found:
        raise ValueError(f'{str(folder)!r} has no images')
    transforms = Compose([TRANSFORMS.build(step) for step in pipeline])
    faces = []
    for path in _spread(found, num):
        image = read_image(path)
        shape = image.shape[:2]
        data = transforms(dict(img=image, img_shape=shape, ori_shape=shape))
        faces.append(data['inputs'])
    return _as_rgb(faces)


def faces_of_config(cfg: Config, num: int) -> np.ndarray:
    """Read faces of a config's training dataset, by its test pipeline.

    Args:
        cfg (Config): A config, in whose scope datasets can be built.
        num (int): Most faces, evenly spaced.

    Returns:
        np.ndarray: (B, 3, h, w), RGB in 0 to 255, float32.
    """
    dataset = without_augmentation(
        DATASETS.build(cfg.train_dataloader.dataset), pipeline_of(cfg) or []
    )
    indices = _spread(range(len(dataset)), num)
    return _as_rgb([dataset[int(i)]['inputs'] for i in indices])


def _spread(items: Any, num: int) -> Any:
    """Select at most ``num`` items, evenly spaced."""
    step = max(1, len(items) / num)
    return [items[int(i * step)] for i in range(min(num, len(items)))]


def _as_rgb(inputs: list) -> np.ndarray:
    """Stack inputs of a data preprocessor, BGR tensors (3, h, w)."""
    return np.stack([x.numpy()[::-1] for x in inputs]).astype(np.float32)


class TestSet:
    """Test set of a config, for the accuracy of exported models.

    Args:
        cfg (Config): A config, in whose scope datasets can be built.

    Attributes:
        name (str): Number of images and class of the dataset.
    """

    def __init__(self, cfg: Config):
        self.loader = Runner.build_dataloader(cfg.test_dataloader)
        dataset = self.loader.dataset
        kind = type(inner_datasets(dataset)[0]).__name__
        self.name = f'the {len(dataset):,} test images of {kind}'

    def metrics(self, session: Session) -> dict[str, float]:
        """Test a model.

        Args:
            session (Session): The model; classes are matched by name.

        Returns:
            dict[str, float]: See :class:`FERMetric`, without its prefix.
        """
        metric = FERMetric()
        metric.dataset_meta = self.loader.dataset.metainfo
        metric.classes = tuple(session.meta.classes)
        pairs: list = []
        for batch in track(self.loader, f'testing {session.meta.precision}'):
            true = [int(sample.gt_label) for sample in batch['data_samples']]
            found = session(_as_rgb(batch['inputs']))['logits'].argmax(1)
            pairs += zip(true, found.tolist(), strict=True)
        return metric.compute_metrics(pairs)
