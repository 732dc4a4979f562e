"""Learnt prompts: neighbours, cosines, norms and attention."""

from itertools import zip_longest

import numpy as np
import torch

from mpafer_plugin.apis.explanation import attention_weights
from mpafer_plugin.clip import prompted_block
from mpafer_plugin.models import PromptedCLIPViT
from mpafer_plugin.models.utils import single_precision


@torch.no_grad()
def prompt_attention(
    backbone: PromptedCLIPViT, images: torch.Tensor
) -> np.ndarray:
    """Measure the attention that the class token pays to prompts.

    Args:
        backbone (PromptedCLIPViT): A tower with prompts.
        images (torch.Tensor): (B, 3, H, W), normalised.

    Returns:
        np.ndarray: Share of the attention, mean over the heads, (B, layers);
        0 in layers without prompts.
    """
    x = backbone.tower.embed(images)
    num = x.shape[1]
    shares = []
    assert backbone.prompts is not None
    with backbone.tower.own_precision():
        for block, prompts in zip_longest(
            backbone.tower.blocks, backbone.prompts
        ):
            weights = single_precision(attention_weights(block, x, prompts))
            shares.append(weights[:, :, 0, num:].sum(-1).mean(1))
            x = prompted_block(block, x, prompts)
    return torch.stack(shares, 1).cpu().numpy()
