"""How long a description may be, and how one that is too long is cut."""

import re
from collections.abc import Sequence

from mpafer_plugin.clip.tokenizer import word_tokens

from ..hard_prompts import TEMPLATES

CONTEXT_LENGTH = 77
"""Tokens of a prompt, start and end of text included (CLIP)."""

LEAST_ROOM = 10  # tokens; less says nothing about a face
TOKENS_PER_WORD = 1.5  # the shipped descriptions have 1.1 to 1.45


def prompt_tokens(word: str, description: str) -> int:
    """Count the tokens of a class's prompt at granularity 3.

    Args:
        word (str): The word that stands for the class.
        description (str): Its description.

    Returns:
        int: Tokens of open_clip's tokenizer, start and end included.
    """
    prompt = TEMPLATES[3].format(name=word, description=description)
    return 2 + len(word_tokens(prompt))


def fits(word: str, description: str) -> bool:
    """Whether a class's prompt at granularity 3 fits CLIP's text tower."""
    return prompt_tokens(word, description) <= CONTEXT_LENGTH


def room(word: str) -> int:
    """Count the tokens that are left for a description.

    Args:
        word (str): The word that stands for the class.

    Raises:
        ValueError: If they are too few.
    """
    left = CONTEXT_LENGTH - prompt_tokens(word, '')
    if left < LEAST_ROOM:
        raise ValueError(
            f'the class {word!r} leaves {left} of {CONTEXT_LENGTH} tokens for '
            f'its description; {LEAST_ROOM} are the least: give it a shorter '
            'word'
        )
    return left


def word_limit(word: str) -> int:
    """Number of words to ask for, so that a description will fit."""
    return int(room(word) / TOKENS_PER_WORD)


def shorter_limit(word: str, texts: Sequence[str]) -> int:
    """Number of words to ask for, after descriptions that were too long."""
    tokens_per_word = max(
        len(word_tokens(text)) / len(text.split()) for text in texts
    )
    limit = int(0.9 * room(word) / tokens_per_word)
    return max(1, min(limit, word_limit(word)))


def cut(word: str, description: str) -> str:
    """Cut a description to what fits.

    Args:
        word (str): The word that stands for the class.
        description (str): Its description, too long.

    Returns:
        str: The most whole clauses that fit; or the most whole words, where
        that keeps more than twice as many.

    Raises:
        ValueError: If not even one word fits.
    """
    kept = clauses = ''
    for space in re.finditer(r'\s+', description):
        start = description[: space.start()]
        if not fits(word, start):
            break
        kept = start
        if start[-1] in ',;.':
            clauses = start
    if not kept:
        raise ValueError(f'no word of it fits: {description[:200]!r}')
    if 2 * len(clauses.split()) >= len(kept.split()):
        kept = clauses
    return kept.rstrip(' ,;.')
