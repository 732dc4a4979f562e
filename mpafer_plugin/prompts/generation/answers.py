import json
import re
from typing import Any

MAX_CHARACTERS = 5_000  # of a description; CLIP reads 77 tokens
MAX_WORD = 100  # characters; the tokenizer's time grows with their square

_OBJECT = re.compile(r'\{\s*"descriptions"')
_TEMPLATE = re.compile(r'(?:a photo of .{0,200}?,\s*)?with\s+', re.IGNORECASE)


class UnusableAnswer(ValueError):
    """Raised if an answer has no usable descriptions.

    Args:
        problem (str): What is wrong with the answer.
        answer (str): The answer; the message quotes its beginning.
    """

    def __init__(self, problem: str, answer: str):
        super().__init__(f'{problem}: {quote(answer)}')
        self.problem = problem


def quote(text: str) -> str:
    """Quote the beginning of a text, control characters escaped."""
    return repr(text if len(text) <= 300 else f'{text[:300]} ...')


def answer_format(count: int) -> dict[str, Any]:
    """Return the ``response_format`` that asks for descriptions.

    Args:
        count (int): Number of descriptions.
    """
    schema = dict(
        type='object',
        properties=dict(
            descriptions=dict(
                type='array',
                items=dict(type='string'),
                minItems=count,
                maxItems=count,
            )
        ),
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
    """Parse the descriptions from an answer.

    The last JSON object with the key ``descriptions`` counts: a server
    without ``response_format`` may send reasoning, special tokens, a code
    fence or remarks around it.

    Args:
        answer (str): The model's answer.
        count (int): Number of descriptions that were asked for.

    Returns:
        list[str]: ``count`` descriptions of one line each.

    Raises:
        UnusableAnswer: If there is no such object, it holds another number
            of descriptions, or one of them is empty, not in Latin letters or
            far too long.
    """
    if not answer.strip():
        raise UnusableAnswer('the answer is empty', answer)
    starts = [match.start() for match in _OBJECT.finditer(answer)]
    try:
        content, _ = json.JSONDecoder().raw_decode(answer, starts[-1])
        texts = [_clean(text) for text in content['descriptions']]
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
            raise UnusableAnswer(problem, answer)
    return texts


def _clean(text: Any) -> str:
    """Make one printable line that continues the prompt's ``with``."""
    if not isinstance(text, str):
        raise TypeError(f'{text!r} is not a string')
    line = ' '.join(text.replace('\u2019', "'").split())
    line = ''.join(filter(str.isprintable, line)).strip(' .,;')
    if start := _TEMPLATE.match(line):
        line = line[start.end() :]
    return line


def _problem(text: str) -> str | None:
    """Return what makes a description unusable for CLIP's text tower."""
    if not any(map(str.isalpha, text)):
        return 'the answer has an empty description'
    if any(c.isalpha() and c > '\u024f' for c in text):
        return 'the answer has letters that are not Latin'
    if len(text) > MAX_CHARACTERS:
        return f'the answer has a description of {len(text)} characters'
    longest = max(map(len, text.split()))
    if longest > MAX_WORD:
        return f'the answer has a word of {longest} characters'
    return None
