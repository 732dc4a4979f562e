from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .frozen import FrozenModule
from .prompted_block import prompted_block

if TYPE_CHECKING:
    from open_clip import CLIP


class TextTower(FrozenModule):
    """Frozen text tower of a CLIP that takes token embeddings.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.

    Attributes:
        width (int): Channels of a token, d_t.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        context_length (int): Maximum number of tokens of a text.
        causal (bool): Whether a token attends to itself and those before it
            only. Else it attends to all ``context_length``, padding included.
    """

    def __init__(self, clip: 'CLIP'):
        super().__init__()
        text: Any = getattr(clip, 'text', clip)  # of CustomTextCLIP
        self.token_embedding = text.token_embedding
        self.positional_embedding = text.positional_embedding
        self.transformer = text.transformer
        self.ln_final = text.ln_final
        self.text_projection = text.text_projection
        self.logit_scale = clip.logit_scale
        self.width: int = text.transformer.width
        self.embed_dim: int = _width_after(text.text_projection, self.width)
        self.context_length: int = text.context_length
        self.causal: bool = text.attn_mask is not None
        # At the end of text, its highest token or one of its own, or last.
        pool_type = getattr(text, 'text_pool_type', None) or text.pool_type
        self._reads_last: bool = pool_type == 'last'
        self.freeze()

    def forward(
        self, embeddings: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode token embeddings.

        Of a causal tower only the positions up to the end of the longest text
        are computed. This is exact: padding behind the end-of-text token has
        no effect on it.

        Args:
            embeddings (torch.Tensor): Token embeddings, without positions,
                of shape (T, L, d_t).
            lengths (torch.Tensor): Number of tokens of each text, of shape
                (T, ), start and end of text included.

        Returns:
            torch.Tensor: Features in the joint space, not normalised, of
            shape (T, D).

        Raises:
            ValueError: If the tower is not causal and L not its whole length.
        """
        length = embeddings.shape[1]
        if not self.causal and length != self.context_length:
            raise ValueError(
                f'texts have {length} tokens; the tower attends to padding, '
                f'so that they must be padded to {self.context_length}'
            )
        with self.own_precision():
            x = embeddings.to(self.dtype) + self.positional_embedding[:length]
            for block in self.transformer.resblocks:
                x = prompted_block(block, x, None, causal=self.causal)
            if self._reads_last:
                x = x[:, -1]
            else:
                x = x[torch.arange(len(x), device=x.device), lengths - 1]
            return self._project(self.ln_final(x))  # (T, D)

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        projection = self.text_projection
        if projection is None:  # of SigLIP's multilingual models
            return x
        if isinstance(projection, nn.Linear):
            return projection(x)
        return x @ projection

    def encode_tokens(
        self, tokens: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode tokens (T, L) of texts with ``lengths`` (T, )."""
        return self(self.token_embedding(tokens), lengths)


def _width_after(projection: Any, width: int) -> int:
    if projection is None:
        return width
    if isinstance(projection, nn.Linear):
        return projection.out_features
    return projection.shape[1]
