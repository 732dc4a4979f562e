from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

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


SLOPE = 1.702
"""The factor of QuickGELU, x sigmoid(1.702 x)."""


def frozen_mlp(mlp: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """Apply the MLP of one of open_clip's blocks.

    QuickGELU is three kernels and two kept tensors in open_clip. Since
    x sigmoid(a x) = silu(a x) / a, it is torch's own SiLU between two linear
    layers that multiply by a and 1 / a as they go; in the gradient both
    cancel. The same function, but for rounding (ours). Weights that learn,
    and other activations, are left to open_clip.

    Args:
        mlp (nn.Sequential): With ``c_fc``, ``gelu`` and ``c_proj``.
        x (torch.Tensor): Tokens of shape (..., d).

    Returns:
        torch.Tensor: Shape (..., d).
    """
    # Not at the top: importing this package does not import open_clip.
    from open_clip.transformer import QuickGELU

    c_fc: Any = mlp.c_fc
    c_proj: Any = mlp.c_proj
    learns = any(p.requires_grad for p in mlp.parameters())
    if type(mlp.gelu) is not QuickGELU or learns:
        return mlp(x)
    tensors = [x.flatten(0, -2)]
    tensors += c_fc.weight, c_fc.bias, c_proj.weight, c_proj.bias
    if torch.is_autocast_enabled(x.device.type):
        # Here rather than by autocast, which is off in the backward pass.
        dtype = torch.get_autocast_dtype(x.device.type)
        tensors = [t.to(dtype) for t in tensors]
    return _QuickGELUMLP.apply(*tensors).unflatten(0, x.shape[:-1])


class _QuickGELUMLP(torch.autograd.Function):
    """Linear, QuickGELU, linear; only the input has a gradient."""

    @staticmethod
    def forward(ctx: Any, x, w_1, b_1, w_2, b_2):
        hidden = torch.addmm(b_1, x, w_1.t(), beta=SLOPE, alpha=SLOPE)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(hidden, w_1, w_2)
            active = F.silu(hidden)
        else:
            active = F.silu(hidden, inplace=True)
        return torch.addmm(b_2, active, w_2.t(), alpha=1 / SLOPE)

    @staticmethod
    def backward(ctx: Any, grad):
        hidden, w_1, w_2 = ctx.saved_tensors
        grad = torch.ops.aten.silu_backward(grad @ w_2, hidden)
        return grad @ w_1, None, None, None, None
