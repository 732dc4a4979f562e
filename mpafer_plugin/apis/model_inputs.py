"""Face crops as inputs of a model of MMPretrain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import Compose, default_collate
from mmpretrain.registry import TRANSFORMS


class CropPipeline:
    """Test pipeline, for images that are loaded already.

    Args:
        steps (Sequence[dict]): The pipeline without its loading step.
    """

    def __init__(self, steps: Sequence[dict]):
        self._steps = Compose([TRANSFORMS.build(step) for step in steps])

    def __call__(self, crop: np.ndarray) -> dict:
        """Apply it to a crop, (h, w, 3) BGR uint8."""
        shape = crop.shape[:2]
        return self._steps(dict(img=crop, img_shape=shape, ori_shape=shape))


def collate_faces(inputs: Sequence[dict], model: Any) -> dict:
    """Batch the inputs of a model.

    A GPU gets the images in one copy, from pinned memory and not waited for.

    Args:
        inputs (Sequence[dict]): F outputs of the test pipeline.
        model (nn.Module): The classifier, on its device.

    Returns:
        dict: ``inputs`` (F, 3, H, W) on the CPU and ``data_samples``.
    """
    batch = default_collate(inputs)
    if model.data_preprocessor.device.type == 'cuda':
        model.data_preprocessor._non_blocking = True
        batch['inputs'] = batch['inputs'].pin_memory()
    return batch
