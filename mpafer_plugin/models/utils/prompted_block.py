from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from .frozen_mlp import frozen_mlp

if TYPE_CHECKING:
    from open_clip.transformer import ResidualAttentionBlock


def prompted_block(
    block: 'ResidualAttentionBlock',
    x: torch.Tensor,
    prompts: torch.Tensor | None,
) -> torch.Tensor:
    """One residual block of a ViT with visual prompts (Eq. 5).

    The paper appends the prompts to the tokens and drops the block's output
    at their places. What is dropped need not be computed: a prompt then only
    acts as one more key and value of the block's attention. This is the same
    function, gradients included, without the prompts' queries, attention
    outputs and MLP.

    Args:
        block (ResidualAttentionBlock): One of open_clip's.
        x (torch.Tensor): Tokens of shape (B, T, d).
        prompts (torch.Tensor | None): Prompts of this layer, of shape (n, d).

    Returns:
        torch.Tensor: Tokens of shape (B, T, d).
    """
    attn = block.attn
    width = x.shape[-1]
    w_q, w_kv = attn.in_proj_weight.tensor_split([width])
    b_q, b_kv = attn.in_proj_bias.tensor_split([width])

    seen = queries = block.ln_1(x)  # (B, T, d)
    if prompts is not None:
        prompts = block.ln_1(prompts.to(x.dtype)).to(queries.dtype)
        # Joined before the linear layer: behind it, keys and values would be
        # copied, and kept twice for the gradient.
        seen = torch.cat([queries, prompts.expand(len(x), -1, -1)], dim=1)
    q = F.linear(queries, w_q, b_q)  # (B, T, d)
    k, v = F.linear(seen, w_kv, b_kv).chunk(2, dim=-1)  # (B, T + n, d) each
    q, k, v = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2)
        for t in (q, k, v)
    )  # (B, heads, T or T + n, d / heads)
    out = F.scaled_dot_product_attention(q, k, v)
    out = out.transpose(1, 2).flatten(-2)  # (B, T, d)
    x = x + block.ls_1(attn.out_proj(out))
    return x + block.ls_2(frozen_mlp(block.mlp, block.ln_2(x)))
