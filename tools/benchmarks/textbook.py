"""Textbook implementation of the method, the baseline of benchmark.py."""

from typing import TYPE_CHECKING, Any

import open_clip
import torch
import torch.nn.functional as F
from torch import nn

from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS as CLASSES
from mpafer_plugin.models.utils import global_local_scores
from mpafer_plugin.prompts import HARD_PROMPTS_FILE, load_hard_prompts

if TYPE_CHECKING:
    from .variants import Setting

NUM_PROMPTS, NUM_CONTEXT, TOP_K = 8, 10, 16


class Textbook(nn.Module):
    """The method as the paper describes it, built from open_clip's blocks.

    Prompts are appended to the tokens of each layer and dropped after it, and
    the text tower processes 77 tokens per class.
    """

    clip: Any

    def __init__(self, setting: 'Setting'):
        super().__init__()
        self.clip = setting.clip
        self.prototypes = setting.prototypes
        blocks = self.clip.visual.transformer
        width = self.clip.token_embedding.embedding_dim
        self.prompts = nn.Parameter(
            0.02 * torch.randn(blocks.layers, NUM_PROMPTS, blocks.width)
        )
        self.context = nn.Parameter(0.02 * torch.randn(NUM_CONTEXT, width))
        tokens = open_clip.tokenize(
            [f'{"x " * NUM_CONTEXT}{name}.' for name in CLASSES]
        )
        hard = load_hard_prompts(HARD_PROMPTS_FILE, CLASSES)
        hard_tokens = open_clip.tokenize(
            [hard[name][3][0] for name in CLASSES]
        )
        with torch.no_grad():
            device = setting.device
            self.tokens = tokens.to(device)
            embedding = self.clip.token_embedding
            self.embeddings = embedding(self.tokens)
            self.hard_tokens = embedding(hard_tokens.to(device)).mean(1)
            self.hard_features = self.clip.encode_text(hard_tokens.to(device))

    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        """Encode images as tokens (B, 1 + N, D) in the joint space."""
        visual = self.clip.visual
        x = visual._embeds(images)  # (B, 1 + N, d_v)
        length = x.shape[1]
        for block, prompts in zip(
            visual.transformer.resblocks, self.prompts, strict=True
        ):
            prompts = prompts.to(x.dtype).expand(len(x), -1, -1)
            x = block(torch.cat([x, prompts], dim=1))[:, :length]
        return visual.ln_post(x) @ visual.proj

    def text(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors (C, d_t) and features (C, D) of the soft prompts."""
        before = self.embeddings[:, :1]
        after = self.embeddings[:, 1 + NUM_CONTEXT :]
        context = self.context.expand(len(CLASSES), -1, -1)
        embeddings = torch.cat([before, context, after], dim=1)  # (C, 77, d)
        x = embeddings + self.clip.positional_embedding
        x = self.clip.transformer(x, attn_mask=self.clip.attn_mask)
        ends = self.tokens.argmax(-1)
        x = self.clip.ln_final(x)[torch.arange(len(x)), ends]
        return embeddings.mean(1), x @ self.clip.text_projection

    def loss(self, images, labels) -> torch.Tensor:
        """Compute the sum of the four losses."""
        features = self.image_features(images)
        tokens, texts = self.text()
        scores = global_local_scores(
            features[:, 0], features[:, 1:], texts, TOP_K, 1.0
        )
        target = torch.arange(len(CLASSES), device=scores.device)
        loss = F.cross_entropy(100 * scores, labels)
        for soft, hard in (
            (tokens, self.hard_tokens),
            (texts, self.hard_features),
        ):
            similar = F.normalize(hard, dim=-1) @ F.normalize(soft, dim=-1).T
            loss = loss + F.cross_entropy(similar / 0.07, target)
        own = self.prototypes[labels]
        return loss + (1 - F.cosine_similarity(features[:, 0], own)).mean()
