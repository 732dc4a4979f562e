import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .image_tower import ImageTower


class TimmImageTower(ImageTower):
    """Image tower of a CLIP that is a ViT of timm.

    Of SigLIP, EVA, PE and MobileCLIP. Args and attributes are those of
    :class:`ImageTower`.
    """

    def _open(self, clip: Any) -> None:
        self.visual = clip.visual
        trunk = clip.visual.trunk
        if trunk.global_pool not in ('avg', 'token', 'map') or getattr(
            trunk, 'rope_mixed', False
        ):
            raise ValueError(
                f'{type(trunk).__name__} of timm cannot be prompted: it pools '
                f'by {trunk.global_pool!r} or each layer has positions of its '
                'own'
            )
        self.width: int = trunk.embed_dim
        heads = (*trunk.head.modules(), *clip.visual.head.modules())
        widths = [h.out_features for h in heads if isinstance(h, nn.Linear)]
        self.embed_dim: int = [self.width, *widths][-1]
        self.grid: tuple[int, int] = tuple(trunk.patch_embed.grid_size)
        self.image_size: tuple[int, int] = tuple(trunk.patch_embed.img_size)
        self.prefix: int = trunk.num_prefix_tokens

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer's residual blocks."""
        return self.visual.trunk.blocks

    @property
    def rope(self) -> torch.Tensor | None:
        """Rotary positions of the patches, see :func:`prompted_block`."""
        rope = getattr(self.visual.trunk, 'rope', None)
        return None if rope is None else rope.get_embed()

    def cast(self, dtype: torch.dtype) -> None:
        """Cast the weights once, but not the rotary positions.

        The angles of bfloat16 are off by up to half a percent.
        """
        rope = self.rope  # the buffer itself, whose data is replaced
        angles = None if rope is None else rope.data
        super().cast(dtype)
        if rope is not None and angles is not None:
            rope.data = angles

    def _embed(self, images: torch.Tensor) -> torch.Tensor:
        trunk = self.visual.trunk
        tokens = trunk._pos_embed(trunk.patch_embed(images))
        if isinstance(tokens, tuple):  # Eva: with the rotary positions
            return trunk.norm_pre(tokens[0])
        return trunk.norm_pre(trunk.patch_drop(tokens))

    @property
    def _patch_size(self) -> tuple[int, int]:
        embed = self.visual.trunk.patch_embed
        # Of a convolutional stem it is the stride.
        return getattr(embed, 'feature_ratio', embed.patch_size)

    def _resize(self, before: tuple[int, int]) -> None:
        self.visual.set_input_size(self.image_size)

    @property
    def _reads_class_token(self) -> bool:
        return self.visual.trunk.global_pool == 'token'

    def features(
        self, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn final tokens (B, T, d_v) into features of the joint space.

        An attention pooling makes keys and values once, for both.
        """
        if self.visual.trunk.attn_pool is None:
            return super().features(tokens)
        with self.own_precision():
            query, key, value = self._pooling(tokens)
            pooled = F.scaled_dot_product_attention(query, key, value)
            patches = value[:, :, -math.prod(self.grid) :]
            x = torch.cat([pooled, patches], dim=2)  # (B, heads, 1 + N, d_h)
            x = self._behind_pooling(x.transpose(1, 2).flatten(-2))
            return x[:, 0], x[:, 1:]

    def _pool(self, tokens: torch.Tensor) -> torch.Tensor:
        trunk = self.visual.trunk
        return self.visual.head(trunk.forward_head(trunk.norm(tokens)))

    def shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the share of each final token in the global feature."""
        pool = self.visual.trunk.attn_pool
        if pool is None:
            return super().shares(tokens)
        query, key, _ = self._pooling(tokens)
        weights = (query * pool.scale @ key.mT).float().softmax(-1)
        shares = weights.mean(1)[:, 0]
        return F.pad(shares, (tokens.shape[1] - shares.shape[1], 0))

    def _pooling(
        self, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compute query (B, heads, 1, d_h), keys and values of the pooling.

        Eva's pools the class token too, other ViTs' may leave it out.
        """
        trunk = self.visual.trunk
        pool = trunk.attn_pool
        first = (
            0 if getattr(trunk, 'pool_include_prefix', True) else self.prefix
        )
        x = trunk.norm(tokens)[:, first:]
        query = pool.q(pool.latent).expand(x.shape[0], -1, -1)
        key, value = pool.kv(x).chunk(2, dim=-1)
        query, key, value = (
            t.unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)
            for t in (query, key, value)
        )
        return pool.q_norm(query), pool.k_norm(key), value

    def _project(self, tokens: torch.Tensor) -> torch.Tensor:
        trunk = self.visual.trunk
        x = trunk.norm(tokens)
        if trunk.attn_pool is None:
            return self.visual.head(trunk.head(trunk.fc_norm(x)))
        value = trunk.attn_pool.kv(x).chunk(2, dim=-1)[1]
        return self._behind_pooling(value)

    def _behind_pooling(self, x: torch.Tensor) -> torch.Tensor:
        """Apply all that follows the pooling's attention."""
        trunk = self.visual.trunk
        x = trunk.attn_pool.proj(x)
        x = x + trunk.attn_pool.mlp(trunk.attn_pool.norm(x))
        return self.visual.head(trunk.head(trunk.fc_norm(x)))
