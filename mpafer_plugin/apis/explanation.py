"""Explanations: the patches that a prediction rests on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mpafer_plugin.clip import prompted_block, queries_keys_values
from mpafer_plugin.models import PromptAlignmentHead, PromptedCLIPViT
from mpafer_plugin.models.utils import single_precision


@dataclass(frozen=True)
class Explanation:
    """Evidence of the patches for the predictions of B images.

    Patches form a grid of h rows and w columns.

    Args:
        probs (torch.Tensor): Class probabilities, (B, C).
        labels (torch.Tensor): Predicted classes, (B,).
        similarity (torch.Tensor): Cosine of each patch with the text feature
            of the predicted class, (B, h, w).
        chosen (torch.Tensor): Mask of the ``top_k`` patches whose mean is the
            local score of the predicted class, (B, h, w), bool; all False if
            the head has ``local_weight=0``.
        rollout (torch.Tensor, optional): Share of each patch in the global
            feature (of most towers the final class token), by attention
            rollout over all layers, (B, h, w). None, as both shares, for an
            exported model, which does not output its attention.
        class_share (torch.Tensor, optional): Share of the initial class
            token, (B,); 0 for a tower without one.
        prompt_share (torch.Tensor, optional): Share of the visual prompts,
            (B,). The shares of patches, class token and prompts sum to 1.
    """

    probs: torch.Tensor
    labels: torch.Tensor
    similarity: torch.Tensor
    chosen: torch.Tensor
    rollout: torch.Tensor | None = None
    class_share: torch.Tensor | None = None
    prompt_share: torch.Tensor | None = None

    def cpu(self) -> 'Explanation':
        """Copy to the CPU, as an image may be kept longer than the batch."""
        return self._map(torch.Tensor.cpu)

    def of(self, index: int) -> 'Explanation':
        """Select one image, with B = 1."""
        return self._map(lambda value: value[index : index + 1])

    def _map(
        self, change: Callable[[torch.Tensor], torch.Tensor]
    ) -> 'Explanation':
        there = {k: x for k, x in vars(self).items() if x is not None}
        return replace(self, **{k: change(x) for k, x in there.items()})


class FaceExplanation(NamedTuple):
    """Prediction of a face with its explanation.

    Args:
        face (dict): Its prediction, see :func:`face_result`.
        explanation (Explanation): Of this face alone, B = 1.
        matrix (np.ndarray): (2, 3), from the image to the crop, which the
            patches divide.
        size (tuple[int, int]): Width and height of the crop in pixels.
    """

    face: dict
    explanation: Explanation
    matrix: np.ndarray
    size: tuple[int, int]


def explainable_parts(
    model: nn.Module,
) -> tuple[PromptedCLIPViT, PromptAlignmentHead]:
    """Return the backbone and head of a model that can be explained.

    Raises:
        ValueError: If it is not :class:`PromptedCLIPViT` with
            :class:`PromptAlignmentHead`.
    """
    backbone = getattr(model, 'backbone', None)
    head = getattr(model, 'head', None)
    if not isinstance(backbone, PromptedCLIPViT) or not isinstance(
        head, PromptAlignmentHead
    ):
        raise ValueError(
            'only PromptedCLIPViT with PromptAlignmentHead can be explained, '
            f'not {type(backbone).__name__} with {type(head).__name__}'
        )
    return backbone, head


def check_explainable(model: Any) -> None:
    """Check that :func:`explain` takes a model.

    Raises:
        ValueError: If it does not.
    """
    if hasattr(model, 'check_explainable'):
        model.check_explainable()
    else:
        explainable_parts(model)


def top_patches(cosines: torch.Tensor, top_k: int | None) -> torch.Tensor:
    """Return a mask of the ``top_k`` largest cosines of each image, (B, N).

    With ``top_k=None`` there is no local score, and all are False.
    """
    chosen = torch.zeros_like(cosines, dtype=torch.bool)
    if top_k is not None:
        best = cosines.topk(top_k, dim=1).indices
        chosen.scatter_(1, best, value=True)
    return chosen


@torch.no_grad()
def explain(model: Any, images: torch.Tensor) -> Explanation:
    """Predict images and explain the predictions in one forward pass.

    Args:
        model (nn.Module): :class:`PromptedCLIPViT` with
            :class:`PromptAlignmentHead`, in evaluation mode; or a model with
            an ``explain`` of its own, as :class:`OnnxClassifier`.
        images (torch.Tensor): (B, 3, H, W), as of its data preprocessor.

    Returns:
        Explanation: Probabilities, as the model predicts them, and evidence.

    Raises:
        ValueError: If the model cannot be explained.
    """
    if hasattr(model, 'explain'):
        return model.explain(images)
    backbone, head = explainable_parts(model)
    tokens, shares = _rollout(backbone, images)
    classes = head.class_vectors()
    feat, patches = head.pre_logits((backbone.tower.features(tokens),))
    probs = head.logits(feat, patches, classes).softmax(1)
    labels = probs.argmax(1)

    cosines, chosen = deciding_patches(head, patches, classes[labels])
    grid = backbone.tower.grid
    return Explanation(
        probs,
        labels,
        cosines.unflatten(1, grid),
        chosen.unflatten(1, grid),
        shares[:, backbone.tower.prefix :].unflatten(1, grid),
        shares[:, : backbone.tower.prefix].sum(1),
        1 - shares.sum(1),
    )


def deciding_patches(
    head: PromptAlignmentHead,
    patches: torch.Tensor,
    class_vectors: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the patches that the local score of a class rests on (Eq. 9).

    Args:
        head (PromptAlignmentHead): The head.
        patches (torch.Tensor): Patch features (B, N, D).
        class_vectors (torch.Tensor): Text feature of the class of each image,
            (B, D).

    Returns:
        tuple[torch.Tensor, torch.Tensor]: Cosine of each patch with the text
        feature, (B, N), and mask of the ``top_k`` highest, (B, N), all False
        if the head has ``local_weight=0``.
    """
    wanted = F.normalize(class_vectors.float(), dim=-1)[..., None]
    cosines = (F.normalize(patches.float(), dim=-1) @ wanted)[..., 0]
    chosen = torch.zeros_like(cosines, dtype=torch.bool)
    if head.local_weight != 0:
        best = cosines.topk(head.top_k, dim=1).indices
        chosen.scatter_(1, best, value=True)
    return cosines, chosen


def _rollout(
    backbone: PromptedCLIPViT, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the tower and trace the global feature back to the input tokens.

    Attention rollout (Abnar and Zuidema, 2020): a token is half itself and
    half what it attends to, averaged over the heads. Each layer has prompts
    of its own, so the attention paid to them is not traced further.

    Returns:
        tuple: Final tokens (B, T, d_v), before the norm, and the share of
        each input token in the global feature, (B, T).
    """
    x = backbone.tower.embed(images)
    layer_prompts = () if backbone.prompts is None else backbone.prompts
    layers = []
    rope = backbone.tower.rope
    with backbone.tower.own_precision():
        for block, prompts in zip_longest(
            backbone.tower.blocks, layer_prompts
        ):
            weights = attention_weights(block, x, prompts, rope)
            layers.append(single_precision(weights).mean(1))
            x = prompted_block(block, x, prompts, rope=rope)
        share = backbone.tower.shares(x)  # (B, T)
    count = x.shape[1]
    for weights in reversed(layers):
        attended = share[:, None] @ weights[..., :count]  # (B, 1, T)
        share = (share + attended[:, 0]) / 2
    return x, share


def attention_weights(
    block: nn.Module,
    x: torch.Tensor,
    prompts: torch.Tensor | None,
    rope: torch.Tensor | None = None,
) -> torch.Tensor:
    """Compute the attention of a block as in :func:`prompted_block`.

    Args:
        block (nn.Module): A block of the tower.
        x (torch.Tensor): Input tokens of the block, (B, T, d).
        prompts (torch.Tensor | None): Prompts of the layer, (n, d).
        rope (torch.Tensor, optional): See :func:`prompted_block`.

    Returns:
        torch.Tensor: (B, heads, T, T + n); the prompts are the last keys.
    """
    q, k, _ = queries_keys_values(block, x, prompts, rope)
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
