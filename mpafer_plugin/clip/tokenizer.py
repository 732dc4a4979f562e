from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch.nn.utils.rnn import pad_sequence

from mpafer_plugin.utils.quoting import quote


@lru_cache(maxsize=1)
def bpe():
    """Return CLIP's tokenizer, which takes a moment to load."""
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()


def word_tokens(text: str) -> list[int]:
    """Tokenize a text by CLIP's BPE, without start, end and padding."""
    return bpe().encode(text)


def find_equal_texts(
    groups: Sequence[Sequence[str]],
    encode: Callable[[str], list[int]] = word_tokens,
) -> tuple[int, int] | None:
    """Find two groups of texts that have the same tokens, in any order.

    Those of letters in upper and lower case, for one, are the same.

    Args:
        groups (Sequence[Sequence[str]]): The texts.
        encode (Callable): Tokenizer of a text. Defaults to CLIP's BPE.

    Returns:
        tuple[int, int] | None: Their indices; None if all groups differ.
    """
    seen: dict[tuple, int] = {}
    for i, texts in enumerate(groups):
        tokens = sorted(tuple(encode(text)) for text in texts)
        first = seen.setdefault(tuple(tokens), i)
        if first != i:
            return first, i
    return None


class Tokenizer:
    """Tokenizer of a text tower: CLIP's BPE.

    Args:
        context_length (int): Maximum number of tokens of a text, start and
            end included. Defaults to 77.
        causal (bool): Whether the tower is causal. The texts of another one
            are padded to ``context_length``, as it attends to padding.
            Defaults to True.

    Attributes:
        starts (int): Number of tokens before the words of a text.
        ends (int): Number of tokens after them.
    """

    starts = 1
    ends = 1
    padding = 0

    def __init__(self, context_length: int = 77, causal: bool = True):
        self.context_length = context_length
        self.causal = causal

    def encode(self, text: str) -> list[int]:
        """Tokenize a text without start, end and padding tokens."""
        return word_tokens(text)

    def word(self, token: int) -> str:
        """Return the text of a token of the vocabulary."""
        return bpe().decoder.get(token, f'[{token}]').replace('</w>', ' ')

    def _row(self, text: str) -> list[int]:
        tokens = bpe()
        words = self.encode(text)
        return [tokens.sot_token_id, *words, tokens.eot_token_id]

    def __call__(
        self, texts: Sequence[str]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokenize texts, padded to the longest of them if this is exact.

        Args:
            texts (Sequence[str]): T texts.

        Returns:
            tuple[torch.Tensor, torch.Tensor]: Tokens (T, L) and the number of
            tokens of each text (T, ), start and end included.

        Raises:
            ValueError: If a text is too long; texts are never truncated.
        """
        rows = [self._row(text) for text in texts]
        for text, row in zip(texts, rows, strict=True):
            if len(row) > self.context_length:
                raise ValueError(
                    f'a prompt has {len(row)} tokens, the text tower takes '
                    f'{self.context_length}: {quote(text)}. granularity=2 has '
                    'no descriptions, and `mpafer generate-prompts '
                    f'--max-tokens {self.context_length}` writes shorter ones'
                )
        lengths = torch.tensor([len(row) for row in rows])
        if not self.causal:
            rows.append([self.padding] * self.context_length)
        tokens = [torch.tensor(row) for row in rows]
        padded = pad_sequence(
            tokens, batch_first=True, padding_value=self.padding
        )
        return padded[: len(texts)], lengths
