import re
from collections.abc import Sequence

from mpafer_plugin.clip.tokenizer import word_tokens

from ..hard_prompts import TEMPLATES
from .answers import UnusableAnswer

CONTEXT_LENGTH = 77
"""Tokens of a prompt, start and end of text included (CLIP): the default of
``max_tokens`` below."""

MIN_ROOM = 10  # tokens; fewer cannot describe a face
TOKENS_PER_WORD = 1.5  # the shipped descriptions have 1.1 to 1.45


def prompt_tokens(word: str, description: str) -> int:
    """Count the tokens of a prompt at granularity 3, start and end included.

    ``word``, here and below, is the class's word in prompts.
    """
    prompt = TEMPLATES[3].format(name=word, description=description)
    return 2 + len(word_tokens(prompt))


def fits(
    word: str, description: str, max_tokens: int = CONTEXT_LENGTH
) -> bool:
    """Return whether the prompt at granularity 3 fits the text tower."""
    return prompt_tokens(word, description) <= max_tokens


def room(word: str, max_tokens: int = CONTEXT_LENGTH) -> int:
    """Count the tokens for a description; raise if there are too few."""
    left = max_tokens - prompt_tokens(word, '')
    if left < MIN_ROOM:
        raise ValueError(
            f'the class {word!r} leaves {left} of {max_tokens} tokens for '
            f'its description, which needs {MIN_ROOM} or more: give it a '
            'shorter word in prompt_names'
        )
    return left


def word_limit(word: str, max_tokens: int = CONTEXT_LENGTH) -> int:
    """Return the number of words to ask for."""
    return int(room(word, max_tokens) / TOKENS_PER_WORD)


def shorter_limit(
    word: str, texts: Sequence[str], max_tokens: int = CONTEXT_LENGTH
) -> int:
    """Return the number of words to ask for after too long descriptions."""
    tokens_per_word = max(
        len(word_tokens(text)) / len(text.split()) for text in texts
    )
    limit = int(0.9 * room(word, max_tokens) / tokens_per_word)
    return max(1, min(limit, word_limit(word, max_tokens)))


def cut(word: str, description: str, max_tokens: int = CONTEXT_LENGTH) -> str:
    """Cut a description after the last clause that fits.

    If more than twice as many words fit, it is cut after the last word.

    Raises:
        UnusableAnswer: If the first word does not fit.
    """
    if fits(word, description, max_tokens):
        return description
    kept = clauses = ''
    for space in re.finditer(r'\s+', description):
        start = description[: space.start()]
        if not fits(word, start, max_tokens):
            break
        kept = start
        if start[-1] in ',;.':
            clauses = start
    if not kept:
        raise UnusableAnswer(
            'the answer begins with a word that is too long', description
        )
    if 2 * len(clauses.split()) >= len(kept.split()):
        kept = clauses
    return kept.rstrip(' ,;.')
