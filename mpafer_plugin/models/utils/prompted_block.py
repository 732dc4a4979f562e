from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

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
    acts as one more key and value of the block's attention, and since it
    enters behind the previous block, its key and value do not depend on the
    image. This is the same function, gradients included, without the
    prompts' queries, attention outputs and MLP.

    Args:
        block (ResidualAttentionBlock): One of open_clip's.
        x (torch.Tensor): Tokens of shape (B, T, d).
        prompts (torch.Tensor | None): Prompts of this layer, of shape (n, d).

    Returns:
        torch.Tensor: Tokens of shape (B, T, d).
    """
    attn = block.attn
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    size, width = x.shape[0], x.shape[-1]

    qkv = F.linear(block.ln_1(x), weight, bias)
    q, k, v = qkv.chunk(3, dim=-1)  # (B, T, d) each
    if prompts is not None:
        prompts = block.ln_1(prompts.to(x.dtype))  # (n, d)
        kv = F.linear(prompts, weight[width:], bias[width:])
        prompt_k, prompt_v = kv.chunk(2, dim=-1)  # (n, d) each
        k = torch.cat([k, prompt_k.expand(size, -1, -1)], dim=1)  # (B, T+n, d)
        v = torch.cat([v, prompt_v.expand(size, -1, -1)], dim=1)

    q, k, v = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2)
        for t in (q, k, v)
    )  # (B, heads, T or T + n, d / heads)
    out = F.scaled_dot_product_attention(q, k, v)
    out = out.transpose(1, 2).flatten(-2)  # (B, T, d)
    x = x + block.ls_1(attn.out_proj(out))
    return x + block.ls_2(block.mlp(block.ln_2(x)))
