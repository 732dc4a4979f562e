from typing import TYPE_CHECKING

import torch

from .frozen import FrozenModule

if TYPE_CHECKING:
    from open_clip import CLIP


class TextTower(FrozenModule):
    """Text tower of a CLIP, frozen, opened at its token embeddings.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.

    Attributes:
        width (int): Channels of a token, d_t.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        context_length (int): The most tokens that a text may have.
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
        """Encode embedded texts.

        Only as many positions are computed as the longest text has. This is
        exact: attention is causal, so nothing before the end-of-text token
        sees what stands behind it.

        Args:
            embeddings (torch.Tensor): Token embeddings, without positions,
                of shape (T, L, d_t).
            lengths (torch.Tensor): Tokens of each text, with start and end of
                text, of shape (T, ). The end-of-text token is the last.

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
        """Encode tokens (T, L) whose texts have ``lengths`` (T, ) of them."""
        return self(self.token_embedding(tokens), lengths)
