from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mpafer_plugin.utils.module_hooks import has_hooks

from .timm_block import (
    is_timm_block,
    norm_before,
    timm_projections,
    timm_residuals,
    unrotated,
)

SLOPE = 1.702
"""Factor of QuickGELU, x sigmoid(1.702 x)."""


def prompted_block(
    block: Any,
    x: torch.Tensor,
    prompts: torch.Tensor | None,
    causal: bool = False,
    rope: torch.Tensor | None = None,
) -> torch.Tensor:
    """Apply one residual block of a tower, with visual prompts (Eq. 5).

    The paper appends the prompts to the tokens and drops the block's outputs
    at their positions. These outputs need not be computed: a prompt then only
    adds a key and a value to the block's attention. The function and its
    gradients are the same, without the prompts' queries, attention outputs
    and MLP.

    This opens the block and its attention. If either has hooks or is not the
    original (wrapped, quantised), the block is called, with the prompts
    appended.

    Args:
        block (nn.Module): A block of open_clip or of a ViT of timm.
        x (torch.Tensor): Tokens of shape (B, T, d).
        prompts (torch.Tensor | None): Prompts of this layer, of shape (n, d).
        causal (bool): Whether a token attends to itself and to those before
            it only, as in the text tower, which has no prompts. Defaults to
            False.
        rope (torch.Tensor, optional): Rotary positions of the N patches,
            which are the last of the tokens, of shape (N, 2 d_h). A prompt
            has no place in the image and is not rotated (ours). Defaults to
            None.

    Returns:
        torch.Tensor: Tokens of shape (B, T, d).
    """
    is_timm = is_timm_block(block)
    if not is_timm and not is_plain_block(block):
        return _whole_block(block, x, prompts, causal, rope)
    q, k, v = queries_keys_values(block, x, prompts, rope)
    on_cpu_in_half = x.device.type == 'cpu' and q.dtype == torch.bfloat16
    if on_cpu_in_half and q.requires_grad and not causal:
        out = _Attention.apply(q, k, v)
    else:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    out = out.transpose(1, 2).flatten(-2)  # (B, T, d)
    if is_timm:
        return timm_residuals(block, x, out)
    x = x + block.ls_1(block.attn.out_proj(out))
    return x + block.ls_2(frozen_mlp(block.mlp, block.ln_2(x)))


def queries_keys_values(
    block: Any,
    x: torch.Tensor,
    prompts: torch.Tensor | None,
    rope: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute what the attention of :func:`prompted_block` works on.

    Args:
        block (nn.Module): A block of open_clip or of a ViT of timm.
        x (torch.Tensor): Tokens of shape (B, T, d).
        prompts (torch.Tensor | None): Prompts of this layer, of shape (n, d).
        rope (torch.Tensor, optional): See :func:`prompted_block`.

    Returns:
        tuple: Queries (B, heads, T, d_h); keys and values
        (B, heads, T + n, d_h), those of the prompts last.
    """
    is_timm = hasattr(block, 'norm1')
    norm = norm_before(block) if is_timm else block.ln_1
    seen = queries = norm(x)  # (B, T, d)
    if prompts is not None:
        prompts = norm(prompts.to(x.dtype)).to(queries.dtype)
        # Concatenated before the linear layer: after it, keys and values
        # would be copied, and stored twice for the gradient.
        # x.shape[0], not len(x): torch.export keeps its batch dynamic.
        prompts = prompts.expand(x.shape[0], -1, -1)
        seen = torch.cat([queries, prompts], dim=1)
    if is_timm:
        return timm_projections(block.attn, queries, seen, rope)
    attn = block.attn
    width = x.shape[-1]
    w_q, w_kv = attn.in_proj_weight.tensor_split([width])
    b_q, b_kv = attn.in_proj_bias.tensor_split([width])
    q = F.linear(queries, w_q, b_q)  # (B, T, d)
    k, v = F.linear(seen, w_kv, b_kv).chunk(2, dim=-1)  # (B, T + n, d) each
    q, k, v = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2)
        for t in (q, k, v)
    )  # (B, heads, T or T + n, d / heads)
    return q, k, v


def _whole_block(
    block: Any,
    x: torch.Tensor,
    prompts: torch.Tensor | None,
    causal: bool,
    rope: torch.Tensor | None,
) -> torch.Tensor:
    """Call a block: append the prompts, and drop their outputs."""
    length = x.shape[1]
    if causal:
        mask = x.new_full((length, length), float('-inf')).triu(1)
        return block(x, attn_mask=mask)
    if prompts is not None:
        prompts = prompts.to(x.dtype).expand(x.shape[0], -1, -1)
        x = torch.cat([x, prompts], dim=1)
    if rope is None:
        return block(x)[:, :length]
    return block(x, rope=unrotated(rope, x.shape[1] - length))[:, :length]


def frozen_mlp(mlp: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """Apply the MLP of a block of open_clip.

    open_clip's QuickGELU runs three kernels and stores two tensors. Since
    x sigmoid(a x) = silu(a x) / a, it equals torch's SiLU between two linear
    layers scaled by a and 1 / a; in the gradient both cancel. The function is
    the same up to rounding (ours). An MLP with trainable weights, hooks or
    other layers (LoRA, quantised, another activation) is called.

    Args:
        mlp (nn.Sequential): With ``c_fc``, ``gelu`` and ``c_proj``.
        x (torch.Tensor): Tokens of shape (..., d).

    Returns:
        torch.Tensor: Shape (..., d).
    """
    trainable = any(p.requires_grad for p in mlp.parameters())
    if trainable or not _is_plain_mlp(mlp):
        return mlp(x)
    c_fc: Any = mlp.c_fc
    c_proj: Any = mlp.c_proj
    tensors = [x.flatten(0, -2)]
    tensors += c_fc.weight, c_fc.bias, c_proj.weight, c_proj.bias
    if torch.is_autocast_enabled(x.device.type):
        # Cast here: autocast is off in the backward pass.
        dtype = torch.get_autocast_dtype(x.device.type)
        tensors = [t.to(dtype) for t in tensors]
    return _QuickGELUMLP.apply(*tensors).unflatten(0, x.shape[:-1])


def _is_plain_mlp(mlp: nn.Module) -> bool:
    """Return whether an MLP with QuickGELU is as open_clip made it."""
    modules = list(mlp.modules())  # itself first
    types = [type(module) for module in modules]
    return (
        types[:2] == [nn.Sequential, nn.Linear]
        and types[3:] == [nn.Linear]
        and _is_quick_gelu(modules[2])
        and not any(has_hooks(module) for module in modules)
    )


def _is_quick_gelu(layer: nn.Module) -> bool:
    """Return whether a layer is open_clip's QuickGELU."""
    from open_clip.transformer import QuickGELU

    return type(layer) is QuickGELU


def is_plain_block(block: nn.Module) -> bool:
    """Return whether a block is as open_clip made it, and can be opened."""
    # Imported here: importing the package must not import open_clip.
    from open_clip.transformer import ResidualAttentionBlock

    return (
        type(block) is ResidualAttentionBlock
        and type(block.attn) is nn.MultiheadAttention
        and not has_hooks(block)
        and not has_hooks(block.attn)
    )


class _Attention(torch.autograd.Function):
    """Attention with a backward pass of batched matrix products.

    They run in a CPU's matrix units. torch's own backward pass for bfloat16
    does not, and takes two to four times as long (ours).
    """

    @staticmethod
    def forward(ctx: Any, q, k, v):
        ctx.save_for_backward(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)

    @staticmethod
    def backward(ctx: Any, grad):
        q, k, v = ctx.saved_tensors
        q = q * q.shape[-1] ** -0.5
        weights = (q @ k.transpose(-2, -1)).softmax(-1)  # (B, heads, T, T + n)
        grad_scores = torch.ops.aten._softmax_backward_data(
            grad @ v.transpose(-2, -1), weights, -1, q.dtype
        )
        grad_q = (grad_scores @ k) * q.shape[-1] ** -0.5
        grad_k = grad_scores.transpose(-2, -1) @ q
        return grad_q, grad_k, weights.transpose(-2, -1) @ grad


class _QuickGELUMLP(torch.autograd.Function):
    """Linear, QuickGELU, linear; only the input has a gradient."""

    @staticmethod
    def forward(ctx: Any, x, w_1, b_1, w_2, b_2):
        # With beta=1, a GPU adds the bias within the product.
        hidden = torch.addmm(SLOPE * b_1, x, w_1.t(), alpha=SLOPE)
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
