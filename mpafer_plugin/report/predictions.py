"""Predictions of several models, in one pass over the images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from mpafer_plugin.apis.explanation import deciding_patches
from mpafer_plugin.apis.load_model import LoadedModel
from mpafer_plugin.models import PromptAlignmentHead, PromptedCLIPViT
from mpafer_plugin.models.utils import single_precision

from .prompts import prompt_attention


@dataclass
class Predictions:
    """Outputs of one model for N images.

    Attributes:
        logits (np.ndarray): Scores before the softmax, (N, C), float32.
        grid (tuple[int, int], optional): Rows and columns of patches; None
            if the model has no local score.
        deciding (np.ndarray, optional): Masks of the patches that the local
            score of the predicted class rests on, (N, ceil(P / 8)), packed
            bits.
        features (np.ndarray, optional): Global features of the S images of
            the sample, (S, D), normalised; None if the head has none.
        unprompted (np.ndarray, optional): The same of the frozen tower
            without prompts; None without prompts.
        attention (np.ndarray, optional): See :func:`prompt_attention`, mean
            over the first images of the sample.
    """

    logits: np.ndarray
    grid: tuple[int, int] | None = None
    deciding: np.ndarray | None = None
    features: np.ndarray | None = None
    unprompted: np.ndarray | None = None
    attention: np.ndarray | None = None

    def patches(self, images: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the masks of some images, (B, h, w), bool."""
        assert self.deciding is not None and self.grid is not None
        height, width = self.grid
        masks = np.unpackbits(
            self.deciding[images], axis=-1, count=height * width
        )
        return masks.reshape(-1, height, width).astype(bool)


@dataclass
class Sample:
    """Images of which features are kept, as memory is bounded.

    Args:
        images (Sequence[int]): Indices of the S images, in any order.
        attention (int): The first of them for which attention is measured.
            Defaults to 64.
    """

    images: Sequence[int]
    attention: int = 64
    _rows: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._rows = {image: row for row, image in enumerate(self.images)}

    def of(self, start: int, num: int) -> tuple[list[int], list[int]]:
        """Return places in a batch, and rows in the sample."""
        rows = [self._rows.get(start + i) for i in range(num)]
        found = [(i, row) for i, row in enumerate(rows) if row is not None]
        return [i for i, _ in found], [row for _, row in found]


@torch.no_grad()
def predict(
    models: Sequence[LoadedModel],
    batches: Iterable[dict[str, Any]],
    num_images: int,
    sample: Sample | None = None,
) -> tuple[list[Predictions], np.ndarray | None]:
    """Predict images by several models, in one pass.

    Args:
        models (Sequence[LoadedModel]): Models with the same classes and
            preprocessing.
        batches (Iterable[dict]): Batches of a data loader, in the order of
            the dataset.
        num_images (int): Number of images N.
        sample (Sample, optional): Images whose features are kept. Defaults
            to None.

    Returns:
        tuple: Predictions of each model, and the mean image (H, W, 3), RGB,
        uint8; None if images are not 8-bit.

    Raises:
        ValueError: If a score is not finite.
    """
    outputs = [Collector(loaded, num_images, sample) for loaded in models]
    total, start = None, 0
    for batch in batches:
        inputs = batch['inputs']
        if inputs[0].dtype == torch.uint8:
            part = torch.as_tensor(np.stack([*inputs])).double().sum(0)
            total = part if total is None else total + part
        for output in outputs:
            output.add(inputs, start)
        start += len(inputs)
    mean = None
    if total is not None:
        mean = (total / start).byte().permute(1, 2, 0).numpy()[..., ::-1]
    return [output.predictions for output in outputs], mean


class Collector:
    """Predictions of one model, batch by batch.

    Args:
        loaded (LoadedModel): The model.
        num_images (int): Number of images N.
        sample (Sample, optional): See :func:`predict`.
    """

    def __init__(
        self, loaded: LoadedModel, num_images: int, sample: Sample | None
    ):
        self._loaded = loaded
        self._model: Any = loaded.model
        self._sample = sample
        self._attention: list[np.ndarray] = []
        shape = num_images, len(loaded.classes)
        self.predictions = Predictions(np.full(shape, np.nan, np.float32))

    def add(self, inputs: Any, start: int) -> None:
        """Predict a batch.

        Args:
            inputs: Images as the data loader gives them.
            start (int): Index of the first.
        """
        data = self._model.data_preprocessor(dict(inputs=inputs))
        images = data['inputs']
        with self._loaded.autocast():
            logits, feature, chosen = forward(self._model, images)
        rows = slice(start, start + len(images))
        values = logits.float().cpu().numpy()
        if not np.isfinite(values).all():
            raise ValueError(
                f'scores of images {start} to {rows.stop - 1} are not finite'
            )
        found = self.predictions
        found.logits[rows] = values
        if chosen is not None:
            bits = np.packbits(chosen.cpu().numpy(), axis=1)
            if found.deciding is None:
                found.grid = self._model.backbone.tower.grid
                shape = len(found.logits), bits.shape[1]
                found.deciding = np.zeros(shape, np.uint8)
            found.deciding[rows] = bits
        if self._sample is not None and feature is not None:
            self._keep(*self._sample.of(start, len(images)), images, feature)

    def _keep(
        self,
        places: list[int],
        rows: list[int],
        images: torch.Tensor,
        feature: torch.Tensor,
    ) -> None:
        """Keep the features of the sample's images in a batch."""
        assert self._sample is not None
        if not places:
            return
        found, size = self.predictions, len(self._sample.images)
        if found.features is None:
            found.features = np.zeros((size, feature.shape[1]), np.float32)
        found.features[rows] = unit(feature[places])
        backbone = self._model.backbone
        if not has_visual_prompts(self._model):
            return
        with self._loaded.autocast():
            plain = backbone(images[places], prompted=False)[-1]
            plain = plain[0] if isinstance(plain, tuple) else plain
            if found.unprompted is None:
                found.unprompted = np.zeros((size, plain.shape[1]), np.float32)
            found.unprompted[rows] = unit(plain)
            few = [
                place
                for place, row in zip(places, rows, strict=True)
                if row < self._sample.attention
            ]
            if few:
                self._attention.append(prompt_attention(backbone, images[few]))
                shares = np.concatenate(self._attention)  # (images, layers)
                found.attention = shares.mean(0)


def forward(
    model: Any, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Classify images, with what the prediction rests on.

    Args:
        model (nn.Module): A classifier of mmpretrain.
        images (torch.Tensor): (B, 3, H, W), normalised.

    Returns:
        tuple: Logits (B, C), global features (B, D) and mask of the deciding
        patches (B, P). The features are those before the last layer, None if
        there are none of that shape; only :class:`PromptAlignmentHead` with a
        local score has deciding patches.
    """
    head, feats = model.head, model.extract_feat(images)
    if not isinstance(head, PromptAlignmentHead):
        before = head.pre_logits(feats)
        flat = isinstance(before, torch.Tensor) and before.ndim == 2
        return head(feats), before if flat else None, None
    feature, patches = head.pre_logits(feats)
    classes = head.class_vectors()
    logits = head.logits(feature, patches, classes)
    chosen = None
    if head.local_weight:
        wanted = classes[logits.argmax(1)]
        chosen = deciding_patches(head, patches, wanted)[1]
        if not isinstance(model.backbone, PromptedCLIPViT):
            chosen = None  # the grid of its patches is not known
    return logits, feature, chosen


def has_visual_prompts(model: Any) -> bool:
    """Return whether a model has visual prompts."""
    backbone = getattr(model, 'backbone', None)
    return (
        isinstance(backbone, PromptedCLIPViT)
        and backbone.prompts is not None
        and backbone.out_type != 'featmap'
    )


def unit(features: torch.Tensor) -> np.ndarray:
    """Normalise features (B, D), as float32 on the CPU."""
    features = single_precision(features)
    return nn.functional.normalize(features, dim=-1).float().cpu().numpy()
