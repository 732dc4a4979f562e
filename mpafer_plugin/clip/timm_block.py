"""Blocks of timm's ViTs, with prompts as further keys and values."""

from functools import cache
from types import NoneType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mpafer_plugin.utils.module_hooks import has_hooks


@cache
def _types() -> tuple[tuple[type, ...], tuple[type, ...]]:
    """Types of blocks and of their attention that are opened here."""
    # Imported here: importing the package must not import timm.
    from timm.layers import Attention, AttentionRope
    from timm.models.eva import EvaAttention, EvaBlock, EvaBlockPostNorm
    from timm.models.vision_transformer import Block

    blocks = Block, EvaBlock, EvaBlockPostNorm
    return blocks, (Attention, AttentionRope, EvaAttention)


def is_timm_block(block: Any) -> bool:
    """Return whether a block is as timm made it, and can be opened."""
    blocks, attentions = _types()
    if type(block) not in blocks or type(block.attn) not in attentions:
        return False
    attn = block.attn
    opened = block, attn, attn.qkv
    return (
        type(attn.qkv) in (nn.Linear, NoneType)
        and attn.gate is None
        and getattr(attn, 'num_kv_groups', 1) == 1
        and not any(has_hooks(part) for part in opened if part is not None)
    )


def timm_projections(
    attn: Any,
    queries: torch.Tensor,
    seen: torch.Tensor,
    rope: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute queries, keys and values of an attention of timm.

    Args:
        attn (nn.Module): ``Attention``, ``AttentionRope`` or
            ``EvaAttention``.
        queries (torch.Tensor): T tokens that attend, (B, T, d).
        seen (torch.Tensor): The same tokens, followed by n prompts,
            (B, T + n, d).
        rope (torch.Tensor | None): Rotation of each patch, (N, 2 d_h): sines
            and cosines. Patches are the last N of the tokens. A prompt has no
            place in the image and is not rotated.

    Returns:
        tuple: (B, heads, T, d_h) and twice (B, heads, T + n, d_h).
    """
    if attn.qkv is None:
        q, k, v = attn.q_proj(queries), attn.k_proj(seen), attn.v_proj(seen)
    else:
        weight, bias = attn.qkv.weight, attn.qkv.bias
        if getattr(attn, 'q_bias', None) is not None:  # of EvaAttention
            bias = torch.cat([attn.q_bias, attn.k_bias, attn.v_bias])
        cut = [len(weight) // 3]
        w_q, w_kv = weight.tensor_split(cut)
        b_q, b_kv = (None, None) if bias is None else bias.tensor_split(cut)
        q = F.linear(queries, w_q, b_q)
        k, v = F.linear(seen, w_kv, b_kv).chunk(2, dim=-1)
    q, k, v = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2)
        for t in (q, k, v)
    )
    q, k = attn.q_norm(q), attn.k_norm(k)
    if rope is not None:
        prefix = queries.shape[1] - len(rope)  # class token
        half = attn.rotate_half
        q = _rotate(q, rope, prefix, half).type_as(v)
        k = _rotate(k, rope, prefix, half).type_as(v)
    return q, k, v


def _rotate(
    x: torch.Tensor, rope: torch.Tensor, prefix: int, half: bool
) -> torch.Tensor:
    """Rotate the patches, which follow ``prefix`` tokens."""
    from timm.layers import apply_rot_embed_cat

    sizes = prefix, len(rope), x.shape[2] - prefix - len(rope)
    before, patches, after = x.split(sizes, dim=2)
    patches = apply_rot_embed_cat(patches, rope, half=half)
    return torch.cat([before, patches, after], dim=2)


def unrotated(rope: torch.Tensor, number: int) -> torch.Tensor:
    """Append rotations by 0, sine 0 and cosine 1, for ``number`` tokens."""
    sine, cosine = rope.chunk(2, dim=-1)
    none = torch.cat(
        [torch.zeros_like(sine[:1]), torch.ones_like(cosine[:1])], dim=-1
    )
    return torch.cat([rope, none.expand(number, -1)])


def norm_before(block: Any) -> nn.Module:
    """Return the norm of what the attention of a block works on."""
    return nn.Identity() if _norms_after(block) else block.norm1


def timm_residuals(
    block: Any, x: torch.Tensor, out: torch.Tensor
) -> torch.Tensor:
    """Apply all of a block that follows its attention.

    Args:
        block (nn.Module): A block of timm.
        x (torch.Tensor): Its input tokens, (B, T, d).
        out (torch.Tensor): What they took up by attention, (B, T, d).
    """
    out = block.attn.proj(block.attn.norm(out))
    if _norms_after(block):
        x = x + block.drop_path1(block.norm1(out))
        return x + block.drop_path2(block.norm2(block.mlp(x)))
    x = x + block.drop_path1(_scaled(block, 1, out))
    out = block.mlp(block.norm2(x))
    return x + block.drop_path2(_scaled(block, 2, out))


def _norms_after(block: nn.Module) -> bool:
    return type(block) is _types()[0][2]


def _scaled(block: Any, number: int, x: torch.Tensor) -> torch.Tensor:
    """Apply the LayerScale of a branch: of Eva's blocks a parameter."""
    if hasattr(block, f'ls{number}'):
        return getattr(block, f'ls{number}')(x)
    gamma = getattr(block, f'gamma_{number}')
    return x if gamma is None else gamma * x
