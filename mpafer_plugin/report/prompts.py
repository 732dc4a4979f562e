"""Learnt prompts: neighbours, cosines, norms and attention."""

from itertools import zip_longest
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from mpafer_plugin.apis.explanation import attention_weights
from mpafer_plugin.clip import prompted_block
from mpafer_plugin.models import PromptedCLIPText, PromptedCLIPViT
from mpafer_plugin.models.utils import single_precision


@torch.no_grad()
def prompt_attention(
    backbone: PromptedCLIPViT, images: torch.Tensor
) -> np.ndarray:
    """Measure the attention that the tokens of an image pay to prompts.

    Args:
        backbone (PromptedCLIPViT): A tower with prompts.
        images (torch.Tensor): (B, 3, H, W), normalised.

    Returns:
        np.ndarray: Share of the attention, mean over heads and tokens,
        (B, layers); 0 in layers without prompts.
    """
    x = backbone.tower.embed(images)
    num = x.shape[1]
    shares = []
    rope = backbone.tower.rope
    assert backbone.prompts is not None
    with backbone.tower.own_precision():
        for block, prompts in zip_longest(
            backbone.tower.blocks, backbone.prompts
        ):
            weights = attention_weights(block, x, prompts, rope)
            share = single_precision(weights)[..., num:].sum(-1)
            shares.append(share.mean((1, 2)))
            x = prompted_block(block, x, prompts, rope=rope)
    return torch.stack(shares, 1).cpu().numpy()


@torch.no_grad()
def nearest_words(
    text: PromptedCLIPText, words: int = 5
) -> list[list[dict[str, Any]]]:
    """Find the words whose embeddings are nearest to context vectors.

    Args:
        text (PromptedCLIPText): With a shared context; a context of each
            class is flattened.
        words (int): Words of each vector. Defaults to 5.

    Returns:
        list[list[dict]]: For each vector ``word`` and ``cosine``, falling.
    """
    assert text.context is not None
    context = F.normalize(text.context.float().flatten(0, -2), dim=-1)
    table = F.normalize(text.tower.token_embedding.weight.float(), dim=-1)
    best = (context @ table.T).topk(min(words, len(table)), dim=1)
    return [
        [
            dict(word=text.tokenizer.word(token), cosine=cosine)
            for token, cosine in zip(tokens, cosines, strict=True)
        ]
        for tokens, cosines in zip(
            best.indices.tolist(), best.values.tolist(), strict=True
        )
    ]


@torch.no_grad()
def prompt_numbers(model: Any, attention: np.ndarray | None) -> dict[str, Any]:
    """Describe the prompts that a model has learnt.

    Args:
        model (nn.Module): A classifier.
        attention (np.ndarray, optional): Mean of :func:`prompt_attention`,
            (layers,).

    Returns:
        dict: Of what the model has: ``context``, see :func:`nearest_words`;
        ``cosines`` of soft (rows) and hard prompts, (C, C), in the joint
        space; ``norms``, mean length of the visual prompts of each layer, and
        ``attention``.
    """
    found: dict[str, Any] = {}
    text = getattr(model.head, 'text', None)
    if isinstance(text, PromptedCLIPText):
        if text.context is not None:
            found['context'] = nearest_words(text)
        soft = F.normalize(model.head.class_vectors().float(), dim=-1)
        hard = F.normalize(text.hard_features.float(), dim=-1)
        found['cosines'] = (soft @ hard.T).cpu().numpy()
    prompts = getattr(model.backbone, 'prompts', None)
    if prompts is not None:
        norms = prompts.float().norm(dim=-1).mean(-1)
        found['norms'] = norms.detach().cpu().numpy()
    if attention is not None:
        found['attention'] = attention
    return found
