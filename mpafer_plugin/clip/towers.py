from typing import TYPE_CHECKING

import torch
from torch import nn

from .frozen import FrozenModule

if TYPE_CHECKING:
    from open_clip import CLIP
    from open_clip.transformer import (
        ResidualAttentionBlock as ResidualAttentionBlock,
    )


class ImageTower(FrozenModule):
    """Image tower of a CLIP with access to its blocks.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.
        freeze (bool): Whether its parameters are frozen. Defaults to True.

    Attributes:
        width (int): Channels of a token, d_v.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        grid (tuple[int, int]): Rows and columns of patches; the number of
            patches N is their product.
        image_size (tuple[int, int]): Height and width of the input.
    """

    def __init__(self, clip: 'CLIP', freeze: bool = True):
        super().__init__()
        self.visual = clip.visual
        self.width: int = clip.visual.transformer.width
        self.embed_dim: int = clip.visual.output_dim
        self.grid: tuple[int, int] = clip.visual.grid_size
        self.image_size: tuple[int, int] = clip.visual.image_size
        if freeze:
            self.freeze()

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer's residual blocks."""
        return self.visual.transformer.resblocks

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (B, 3, H, W) as tokens (B, 1 + N, d_v).

        Raises:
            ValueError: If the images are not of the tower's input size.
        """
        if tuple(images.shape[1:]) != (3, *self.image_size):
            raise ValueError(
                f'images have shape {tuple(images.shape)}, expected '
                f'(B, 3, {self.image_size[0]}, {self.image_size[1]})'
            )
        return self.visual._embeds(images)

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """Project tokens (..., d_v) into the joint space (..., D).

        Patch tokens pass through the norm and projection that CLIP trained
        for its class token (paper, "Cross-modal global-local alignment").
        """
        return self.visual.ln_post(tokens) @ self.visual.proj


class TextTower(FrozenModule):
    """Frozen text tower of a CLIP that takes token embeddings.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.

    Attributes:
        width (int): Channels of a token, d_t.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        context_length (int): Maximum number of tokens of a text.
    """

    attn_mask: torch.Tensor

    def __init__(self, clip: 'CLIP'):
        super().__init__()
        self.token_embedding = clip.token_embedding
        self.positional_embedding = clip.positional_embedding
        self.transformer = clip.transformer
        self.ln_final = clip.ln_final
        self.text_projection = clip.text_projection
        self.logit_scale = clip.logit_scale
        self.register_buffer('attn_mask', clip.attn_mask, persistent=False)
        self.width: int = clip.transformer.width
        self.embed_dim: int = clip.text_projection.shape[1]
        self.context_length: int = clip.context_length
        self.freeze()

    def forward(
        self, embeddings: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode token embeddings.

        Only the positions up to the end of the longest text are computed.
        This is exact: attention is causal, so padding behind the end-of-text
        token has no effect on it.

        Args:
            embeddings (torch.Tensor): Token embeddings, without positions,
                of shape (T, L, d_t).
            lengths (torch.Tensor): Number of tokens of each text, of shape
                (T, ), start and end of text included.

        Returns:
            torch.Tensor: Features in the joint space, not normalised, of
            shape (T, D).
        """
        n = embeddings.shape[1]
        x = embeddings + self.positional_embedding[:n]
        mask = self.attn_mask[:n, :n]
        x = self.transformer(x, attn_mask=mask)  # (T, L, d_t)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]  # (T, d_t)
        return self.ln_final(x) @ self.text_projection  # (T, D)

    def encode_tokens(
        self, tokens: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode tokens (T, L) of texts with ``lengths`` (T, )."""
        return self(self.token_embedding(tokens), lengths)


def is_quick_gelu(layer: nn.Module) -> bool:
    """Return whether a layer is open_clip's QuickGELU."""
    # Imported here: importing the package must not import open_clip.
    from open_clip.transformer import QuickGELU

    return type(layer) is QuickGELU


def is_attention_block(layer: nn.Module) -> bool:
    """Return whether a layer is open_clip's block with torch's attention."""
    from open_clip.transformer import ResidualAttentionBlock

    return (
        type(layer) is ResidualAttentionBlock
        and type(layer.attn) is nn.MultiheadAttention
    )
