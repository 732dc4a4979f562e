from functools import cache

import numpy as np
import torch
from open_clip.model import CLIP

from mpafer_plugin.clip.tokenizer import word_tokens
from mpafer_plugin.datasets.categories import (
    ALIASES,
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
)

from .captions import caption

_START, _END = 49406, 49407
_WORDS = 49406  # tokens below it are words or parts of them
_NAMED = 0.25  # share of captions with a made-up name


@cache
def pieces(text: str) -> tuple[int, ...]:
    """Return the tokens of a text, cached: cleaning text is slow."""
    return tuple(word_tokens(text))


def caption_tokens(text: str) -> list[int]:
    """Return the tokens of a text, cached by parts between commas."""
    tokens: list[int] = []
    for number, piece in enumerate(text.split(', ')):
        tokens += pieces(',') * (number > 0) + pieces(piece)
    return tokens


def name_tokens() -> frozenset[int]:
    """Return the tokens of all expression names, never used in captions."""
    names = [*EXPRESSIONS, *ALIASES, *COMPOUND_EXPRESSIONS]
    return frozenset(token for name in names for token in pieces(name))


class Names:
    """Source of made-up names, of one or two tokens not in real names."""

    def __init__(self) -> None:
        names = name_tokens()
        self.tokens = np.array([t for t in range(_WORDS) if t not in names])

    def draw(self, rng: np.random.Generator) -> list[int]:
        """Return the tokens of one made-up name."""
        return rng.choice(self.tokens, int(rng.integers(1, 3))).tolist()


def captions(
    units: torch.Tensor, names: Names, rng: np.random.Generator
) -> tuple[list[list[int]], torch.Tensor]:
    """Draw a caption for every face, some of them with a made-up name.

    Args:
        units (torch.Tensor): Action units (B, 21).
        names (Names): Source of made-up names.
        rng (np.random.Generator): Source of randomness.

    Returns:
        tuple[list[list[int]], torch.Tensor]: Tokens of each caption and the
        units that it describes, 0 or 1, (B, 21).
    """
    texts, masks = [], []
    for row in units.numpy():
        text, mask = caption(rng, row)
        tokens = caption_tokens(text)
        if rng.random() < _NAMED:
            tokens = [
                *pieces('a photo of a person making a facial expression of'),
                *names.draw(rng),
                *pieces(','),
                *pieces('with'),
                *tokens,
            ]
        texts.append(tokens)
        masks.append(mask)
    return texts, torch.from_numpy(np.stack(masks)).float()


def encode(
    clip: CLIP,
    texts: list[list[int]],
    context: torch.Tensor | None = None,
) -> torch.Tensor:
    """Encode tokens, padded to the longest text only.

    Args:
        clip (open_clip.CLIP): The towers.
        texts (list[list[int]]): Tokens of T texts, without start and end.
        context (torch.Tensor, optional): Vectors (M, d_t) inserted between the
            start and every text. Defaults to None.

    Returns:
        torch.Tensor: Features in the joint space (T, D), not normalised.
    """
    longest = max(map(len, texts)) + 2
    tokens = torch.zeros(len(texts), longest, dtype=torch.long)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text) + 2] = torch.tensor([_START, *text, _END])
    x, last = clip.token_embedding(tokens), tokens.argmax(1)
    if context is not None:
        context = context.expand(len(x), -1, -1)
        x = torch.cat([x[:, :1], context, x[:, 1:]], 1)
        last = last + context.shape[1]
    length = x.shape[1]
    x = x + clip.positional_embedding[:length]
    x = clip.transformer(x, attn_mask=clip.attn_mask[:length, :length])
    x = clip.ln_final(x[torch.arange(len(x)), last])
    return x @ clip.text_projection
