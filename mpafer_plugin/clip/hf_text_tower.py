from typing import Any

import torch
from torch import nn

from .frozen import FrozenModule
from .text_tower import TextTower


class HuggingFaceTextTower(TextTower):
    """Frozen text tower of a CLIP that is a model of transformers.

    Of XLM-RoBERTa and NLLB. It is not causal, and does not attend to padding.

    Args:
        clip (open_clip.CustomTextCLIP): With such a tower.
    """

    def __init__(self, clip: Any):
        FrozenModule.__init__(self)
        self.encoder = clip.text
        self.logit_scale = clip.logit_scale
        self.width: int = self.token_embedding.embedding_dim
        self.embed_dim: int = clip.text.output_dim
        self.causal = True  # as to padding, which changes nothing
        self.freeze()

    @property
    def token_embedding(self) -> nn.Embedding:
        """Embedding of the tokens, scaled where the model scales it."""
        return self.encoder.transformer.get_input_embeddings()

    def forward(
        self, embeddings: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode token embeddings, see :meth:`TextTower.forward`."""
        positions = torch.arange(embeddings.shape[1], device=lengths.device)
        mask = (positions < lengths[:, None]).long()  # (T, L)
        with self.own_precision():
            out = self.encoder.transformer(
                inputs_embeds=embeddings.to(self.dtype), attention_mask=mask
            )
            return self.encoder.proj(self.encoder.pooler(out, mask))
