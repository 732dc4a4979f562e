"""From what a model answers to descriptions."""

import re

MAX_CHARACTERS = 20_000  # of an answer
MAX_WORD = 100  # characters; the tokenizer's time grows with their square

_THOUGHT = re.compile(r'<think>.*?</think>', re.DOTALL)
# of a list: "-", a bullet, a dash, "1."
_MARK = re.compile(r'(?:[-*+]\s+|[\u2022\u2013\u2014]\s*|\(?\d{1,2}[.):]\s+)')
_TEMPLATE = re.compile(r'(?:a photo of .{0,200}?,\s*)?with\s+', re.IGNORECASE)
_QUOTES = '"“”„«»`'
_REFUSAL = re.compile(
    r"(?:^|[.!?:\n])\W*(?:(?:i'm|i am)\s+(?:very |so |really )?"
    r'(?:sorry|unable|not able|not comfortable)\b'
    r'|sorry(?=\s*[,.!]|\s+but\b|\s+i\b)|i apologi[sz]e\b|as an ai\b'
    r"|unfortunately,? i\b|(?:i|we) (?:can't|cannot|can not|won't|will not|"
    r'must decline|do not feel)\b)',
    re.IGNORECASE,
)


class UnusableAnswer(ValueError):
    """An answer that holds no descriptions.

    Args:
        problem (str): What is wrong.
        answer (str): The answer, which the message quotes.
    """

    def __init__(self, problem: str, answer: str):
        super().__init__(f'{problem}: {quote(answer)}')
        self.problem = problem


def quote(text: str) -> str:
    """Quote the beginning of a text; what a terminal would obey is escaped."""
    return repr(text if len(text) <= 300 else f'{text[:300]} ...')


def clean_answer(answer: str, count: int) -> list[str]:
    """Take the descriptions out of an answer.

    Thoughts, headlines, marks of lists, quotes, the beginning of the prompt
    and signs that can't be printed are taken off. Where one description was
    asked for, several lines are its parts.

    Args:
        answer (str): What the model said.
        count (int): The number of descriptions that it was asked for.

    Returns:
        list[str]: The descriptions, ``count`` of them, each of one line.

    Raises:
        UnusableAnswer: If the answer is empty, a refusal (in English), has
            another number of lines, the same twice, or is no text of words.
    """
    if len(answer) > MAX_CHARACTERS:
        raise UnusableAnswer(
            f'the answer has {len(answer)} characters', answer
        )
    text = re.sub('[\u2018\u2019]', "'", _THOUGHT.sub('', answer))
    if '<think>' in text:
        raise UnusableAnswer(
            'the answer ends in the middle of a thought', text
        )
    text = ''.join(c for c in text if c.isprintable() or c.isspace())
    if _REFUSAL.search(text):
        raise UnusableAnswer('the answer is a refusal', text)
    lines = [line for line in map(_clean_line, text.splitlines()) if line]
    if not lines:
        raise UnusableAnswer('the answer is empty', answer)
    if count == 1:
        lines = [', '.join(lines)]
    if len(lines) != count:
        raise UnusableAnswer(
            f'the answer has {len(lines)} lines, not {count}', text
        )
    if len({line.lower() for line in lines}) < count:
        raise UnusableAnswer('the answer says the same twice', text)
    longest = max((w for line in lines for w in line.split()), key=len)
    if len(longest) > MAX_WORD:
        raise UnusableAnswer(
            f'the answer has a word of {len(longest)} characters', text
        )
    return lines


def _clean_line(line: str) -> str:
    """Clean a line; '' if it says nothing about a face."""
    line = ' '.join(line.replace('**', '').replace('__', '').split())
    # a headline, or the fence around a block
    if line.startswith(('#', '```')) or line.endswith(':'):
        return ''
    if mark := _MARK.match(line):
        line = line[mark.end() :]
    line = line.rstrip(' .,;').strip(_QUOTES)
    if line[:1] == line[-1:] == "'":
        line = line[1:-1]
    if start := _TEMPLATE.match(line):
        line = line[start.end() :]
    line = line.strip(' .,;')
    return line if any(c.isalpha() for c in line) else ''
