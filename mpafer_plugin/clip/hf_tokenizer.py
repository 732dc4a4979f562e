"""Tokenizers of Hugging Face, for towers without CLIP's BPE."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .architectures import architecture
from .tokenizer import Tokenizer, bpe
from .weights import reachable_hub

FILES = ('tokenizer.json', 'spiece.model', 'sentencepiece.bpe.model')
"""Files of which a folder with a tokenizer has one."""


def load_tokenizer(arch: str, pretrained: str | None = None) -> Tokenizer:
    """Load the tokenizer of an architecture's text tower.

    Args:
        arch (str): See :func:`architecture`.
        pretrained (str, optional): See :func:`load_clip`. If it is a folder
            with a tokenizer, that one is taken. Defaults to None.

    Raises:
        ImportError: If the package ``transformers`` is needed and absent.
        ValueError: If the text tower has fewer tokens than the tokenizer.
        ConnectionError: If the tokenizer has to be downloaded and cannot be.
    """
    text = architecture(arch)['text_cfg']
    length = text.get('context_length', 77)
    name = text.get('hf_tokenizer_name')
    if not name:
        size, needed = text.get('vocab_size', 49408), bpe().vocab_size
        if size < needed:
            raise ValueError(
                f"{arch!r} has text_cfg.vocab_size={size}; CLIP's BPE, its "
                f'tokenizer, has {needed} tokens'
            )
        return Tokenizer(length, causal=not text.get('no_causal_mask'))
    folder = Path(os.path.expanduser(pretrained or ''))
    if pretrained and any(os.path.isfile(folder / file) for file in FILES):
        name = str(folder)
    return HuggingFaceTokenizer(
        name,
        length,
        causal=not text.get('no_causal_mask'),
        **text.get('tokenizer_kwargs', {}),
    )


class HuggingFaceTokenizer(Tokenizer):
    """Tokenizer of a folder or of Hugging Face's hub, as open_clip uses it.

    Args:
        name (str): A folder, or a name of the hub.
        context_length (int): See :class:`Tokenizer`.
        causal (bool): See :class:`Tokenizer`.
        **kwargs: Of ``open_clip.tokenizer.HFTokenizer``, such as ``clean``.
    """

    def __init__(
        self, name: str, context_length: int, causal: bool, **kwargs: Any
    ):
        super().__init__(context_length, causal)
        self._hf = _load(name, context_length, kwargs)
        tokenizer = self._hf.tokenizer
        self.padding = tokenizer.pad_token_id
        words, row = self._words('x'), self._row('x')
        self.starts = next(
            start
            for start in range(len(row))
            if row[start : start + len(words)] == words
        )
        self.ends = len(row) - len(words) - self.starts

    def encode(self, text: str) -> list[int]:
        """Tokenize a text, as it follows a word, without special tokens."""
        return self._words(f'x {text}')[len(self._words('x')) :]

    def word(self, token: int) -> str:
        """Return the text of a token of the vocabulary."""
        return self._hf.tokenizer.convert_ids_to_tokens(token)

    def _words(self, text: str) -> list[int]:
        text = self._hf.clean_fn(text)
        return self._hf.tokenizer(text, add_special_tokens=False).input_ids

    def _row(self, text: str) -> list[int]:
        tokenizer = self._hf.tokenizer
        row = tokenizer(self._hf.clean_fn(text)).input_ids
        if self._hf.strip_sep_token:  # of CLIPA
            row = [0 if i == tokenizer.sep_token_id else i for i in row]
        return row


def require_transformers(name: str) -> None:
    """Raise an ImportError if ``transformers``, which opens it, is absent."""
    if find_spec('transformers') is None:
        raise ImportError(
            f'{name!r} of Hugging Face needs the package transformers: `pip '
            'install transformers`, or mpafer_plugin[hf]. Architectures with '
            "CLIP's tokenizer do not, such as EVA02-B-16, PE-Core-B-16 or "
            'MobileCLIP2-B'
        )


def _load(name: str, context_length: int, kwargs: dict) -> Any:
    from open_clip.tokenizer import HFTokenizer

    require_transformers(name)
    try:
        return HFTokenizer(
            name, context_length, local_files_only=True, **kwargs
        )
    except Exception as error:
        if Path(name).is_dir():
            raise ValueError(
                f'the tokenizer in {name!r} cannot be read: {error}'
            ) from error
    if not reachable_hub():
        raise ConnectionError(_three_ways(name))
    return HFTokenizer(name, context_length, **kwargs)


def _three_ways(name: str) -> str:
    return (
        f'the tokenizer {name!r} is not on this machine and the hub cannot '
        'be reached.\nThree ways to get it:\n'
        '  1. on a machine with network access, load the model once: the '
        "tokenizer is cached; copy the cache (Hugging Face's HF_HOME);\n"
        '  2. copy the folder of the hub, with weights and tokenizer, and set '
        'MPAFER_CLIP to it;\n'
        "  3. use an architecture with CLIP's tokenizer, which ships with "
        'open_clip, such as EVA02-B-16, PE-Core-B-16 or MobileCLIP2-B.'
    )
