import json
import re
from typing import Any, NamedTuple

MAX_CHARACTERS = 5_000  # of a description; CLIP reads 77 tokens
MAX_ANSWER = 1_000_000  # characters, reasoning included
MAX_WORD = 100  # characters; the tokenizer's time grows with their square

_OBJECT = re.compile(r'\{\s*"descriptions"')
_TEMPLATE = re.compile(r'(?:a photo of .{0,200}?,\s*)?with\s+', re.IGNORECASE)


class Description(NamedTuple):
    """One description of a class.

    Attributes:
        text (str): The description, which fits the text tower.
        against (str, optional): Class that it tells this one from.
        uncut (str, optional): Text before it was cut.
    """

    text: str
    against: str | None = None
    uncut: str | None = None


class UnusableAnswer(ValueError):
    """Raised if an answer has no usable descriptions.

    Args:
        problem (str): What is wrong with it; the model is told.
        answer (str): The answer; the message quotes its beginning.
    """

    def __init__(self, problem: str, answer: str):
        super().__init__(f'{problem}: {quote(answer)}')
        self.problem = problem


def quote(text: str) -> str:
    """Quote the beginning of a text, control characters escaped."""
    return repr(text if len(text) <= 300 else f'{text[:300]} ...')


def answer_format(count: int) -> dict[str, Any]:
    """Return the ``response_format`` that asks for ``count`` descriptions."""
    texts = dict(
        type='array',
        items=dict(type='string'),
        minItems=count,
        maxItems=count,
    )
    schema = dict(
        type='object',
        properties=dict(descriptions=texts),
        required=['descriptions'],
        additionalProperties=False,
    )
    return dict(
        type='json_schema',
        json_schema=dict(name='descriptions', strict=True, schema=schema),
    )


def format_answer(descriptions: list[str]) -> str:
    """Write descriptions as the answer that is asked for."""
    return json.dumps(dict(descriptions=descriptions), ensure_ascii=False)


def parse_answer(answer: str, count: int) -> list[str]:
    """Parse ``count`` descriptions of one line each from an answer.

    The last JSON object with the key ``descriptions`` counts: a server
    without ``response_format`` may send reasoning, special tokens, a code
    fence or remarks around it.

    Raises:
        UnusableAnswer: If there is no such object, it holds another number
            of descriptions, or one of them is empty, not in Latin letters or
            far too long.
    """
    if not answer.strip():
        raise UnusableAnswer('the answer is empty', answer)
    if len(answer) > MAX_ANSWER:
        raise UnusableAnswer(
            f'the answer has {len(answer):,} characters', answer
        )
    starts = [match.start() for match in _OBJECT.finditer(answer)]
    try:
        content, _ = json.JSONDecoder().raw_decode(answer, starts[-1])
        found = content['descriptions']
        if not isinstance(found, list):
            raise TypeError(f'{found!r} is not a list')
        texts = [_clean(text) for text in found]
    except (LookupError, ValueError, TypeError, RecursionError) as error:
        raise UnusableAnswer(
            'the answer is not JSON with a list of strings "descriptions"',
            answer,
        ) from error
    if len(texts) != count:
        raise UnusableAnswer(
            f'the answer has {len(texts)} descriptions, not {count}', answer
        )
    for text in texts:
        if problem := _problem(text):
            raise UnusableAnswer(f'the answer has {problem}', answer)
    return texts


def _clean(text: Any) -> str:
    """Make one printable line that continues the prompt's ``with``."""
    if not isinstance(text, str):
        raise TypeError(f'{text!r} is not a string')
    line = ' '.join(text.replace('\u2019', "'").split())
    line = ''.join(filter(str.isprintable, line)).strip(' .,;')
    start = _TEMPLATE.match(line)
    return line[start.end() :] if start else line


def _problem(text: str) -> str | None:
    """Return what makes a description unusable for CLIP's text tower."""
    if not any(map(str.isalpha, text)):
        return 'an empty description'
    if any(c.isalpha() and c > '\u024f' for c in text):
        return 'letters that are not Latin'
    if len(text) > MAX_CHARACTERS:
        return f'a description of {len(text)} characters'
    longest = max(map(len, text.split()))
    return f'a word of {longest} characters' if longest > MAX_WORD else None
