from collections.abc import Sequence
from functools import lru_cache

import torch
from torch.nn.utils.rnn import pad_sequence


@lru_cache(maxsize=1)
def _bpe():
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()


def word_tokens(text: str) -> list[int]:
    """Tokenize a text without start, end and padding tokens."""
    return _bpe().encode(text)


def find_equal_texts(
    groups: Sequence[Sequence[str]],
) -> tuple[int, int] | None:
    """Find two groups of texts that have the same tokens, in any order.

    Those of letters in upper and lower case, for one, are the same.

    Returns:
        tuple[int, int] | None: Their indices; None if all groups differ.
    """
    seen: dict[tuple, int] = {}
    for i, texts in enumerate(groups):
        tokens = sorted(tuple(word_tokens(text)) for text in texts)
        first = seen.setdefault(tuple(tokens), i)
        if first != i:
            return first, i
    return None


def tokenize(
    texts: Sequence[str], context_length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokenize texts, padded to the longest of them.

    Args:
        texts (Sequence[str]): T texts.
        context_length (int): Maximum number of tokens of a text, start and
            end included.

    Returns:
        tuple[torch.Tensor, torch.Tensor]: Tokens (T, L) and the number of
        tokens of each text (T, ), start and end included.

    Raises:
        ValueError: If a text is too long; texts are never truncated.
    """
    bpe = _bpe()
    rows = [
        [bpe.sot_token_id, *bpe.encode(text), bpe.eot_token_id]
        for text in texts
    ]
    for text, row in zip(texts, rows, strict=True):
        if len(row) > context_length:
            raise ValueError(
                f'a prompt has {len(row)} tokens, the text tower takes '
                f'{context_length}: {text!r}'
            )
    lengths = torch.tensor([len(row) for row in rows])
    tokens = [torch.tensor(row) for row in rows]
    return pad_sequence(tokens, batch_first=True), lengths
