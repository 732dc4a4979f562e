"""From what a model answers to descriptions."""

import re

MAX_CHARACTERS = 20_000  # of an answer, thoughts not counted
MAX_HEADLINE = 4  # words of one that may be kept
MAX_WORD = 100  # characters; the tokenizer's time grows with their square

# of a list: "-", a bullet, a dash, "1.", "b)", "Line 1:"
_MARK = re.compile(
    r'[-*+]\s+|[\u2022\u2013\u2014]\s*|\(?(?:\d{1,2}|[a-h])[.):](?:\s+|$)'
    r'|(?:line|description|option)\s+\d{1,2}\s*[.):](?:\s+|$)',
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r'(?:a photo of .{0,200}?,\s*)?with\s+', re.IGNORECASE)
_QUOTES = '"“”„«»`'
_REFUSAL = re.compile(
    # A sentence that begins so is not about a face ...
    r'(?:^|[.!?]\s|\n)\W{0,9}'
    r"(?:i(?! hope)(?:'\w+)?\b|we(?:'\w+)?\s|my apologies\b"
    r'|as an? (?:ai|assistant)\b|sorry(?=\s*[,.!]|\s+but\b|\s+i\b)'
    r'|unfortunately\b|please\b|unable to\b|this request\b'
    r"|(?:it|that)(?:'s| is| was| would be)\s"
    r'(?:not|im|in|un|beyond|against|something))'
    # ... and these words are never.
    r'|\b(?:language model|an ai|guidelines|polic(?:y|ies)|inappropriate)\b',
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"(?:sure|certainly|of course|okay|ok|absolutely|here(?:'s| is| are)"
    r'|let me know|(?:i )?hope (?:this|that)|feel free|would you|if you'
    r'|note)\b',
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

    Thoughts, special tokens, marks of lists, quotes, the beginning of the
    prompt, chatter around the descriptions and signs that cannot be printed
    are taken off. Where one description was asked for, several lines are its
    parts, and headlines that name parts of the face stay.

    Args:
        answer (str): What the model said.
        count (int): The number of descriptions that it was asked for.

    Returns:
        list[str]: The descriptions, ``count`` of them, each of one line.

    Raises:
        UnusableAnswer: If the answer is empty, a refusal (in English), no
            plain text in Latin letters, has another number of lines, or
            a line that names no part of a face.
    """
    text = spoken(answer)
    if problem := _problem(text):
        raise UnusableAnswer(problem, text)
    lines = _without_chatter(text)
    if not lines:
        raise UnusableAnswer('the answer is empty', text)
    if count == 1:
        lines = [', '.join(_under_headlines(lines, text))]
    elif any(map(_is_headline, lines)):
        raise UnusableAnswer('the answer has a headline', text)
    lines = [_bare(line) for line in lines]
    if len(lines) != count:
        raise UnusableAnswer(
            f'the answer has {len(lines)} lines, not {count}', text
        )
    for line in lines:
        if not names_part(line):
            raise UnusableAnswer(
                'the answer has a line that names no part of a face', text
            )
    return lines


def _problem(text: str) -> str | None:
    """Say why a text is no answer, whatever its lines say."""
    if len(text) > MAX_CHARACTERS:
        return f'the answer has {len(text)} characters'
    if _REFUSAL.search(text):
        return 'the answer is a refusal'
    if re.search(r'[\[\]{}<>|\u25c1\u25b7]', text):
        return 'the answer has tags, brackets or a table'
    if any(c.isalpha() and c > '\u024f' for c in text):
        return 'the answer has letters that are not Latin'
    longest = max(map(len, text.split()), default=0)
    if longest > MAX_WORD:
        return f'the answer has a word of {longest} characters'
    return None


def _without_chatter(text: str) -> list[str]:
    """Take the lines without list marks, and without chatter around them."""
    lines = []
    for line in text.splitlines():
        line = ' '.join(line.split())
        if mark := _MARK.match(line):
            line = line[mark.end() :]
        if any(c.isalpha() for c in line) and not line.startswith('```'):
            lines.append(line)
    if lines and _is_chatter(lines[0], first=True):
        del lines[0]
    if lines and _is_chatter(lines[-1]):
        del lines[-1]
    if any(_CHATTER.match(line) for line in lines):
        raise UnusableAnswer('the answer has remarks', text)
    return lines


def _is_chatter(line: str, first: bool = False) -> bool:
    """Whether a line says nothing of a face."""
    if _CHATTER.match(line) and line.endswith((':', '!', '?')):
        return True
    talk = _CHATTER.match(line) or line.endswith(('!', '?'))
    return not names_part(line) and bool(
        talk or (first and _is_headline(line))
    )


def _is_headline(line: str) -> bool:
    # a whole description may be bold too, but is longer
    bold = line.startswith('**') and line.find('**', 2) == len(line) - 2
    short = len(line.split()) <= MAX_HEADLINE
    return (
        line.startswith('#')
        or line.rstrip('*_ ').endswith(':')
        or (bold and short)
    )


def _under_headlines(lines: list[str], text: str) -> list[str]:
    """Put headlines such as "Eyes:" before the first line under them."""
    parts: list[str] = []
    headline, used = '', True
    for line in lines:
        if _is_headline(line):
            short = len(line.split()) <= MAX_HEADLINE
            if not (used and short and names_part(line)):
                raise UnusableAnswer('the answer has a headline', text)
            headline, used = _bare(line.strip('#*_: ')), False
            continue
        line = _bare(line)
        if not names_part(f'{headline} {line}'):
            raise UnusableAnswer(
                'the answer has a line that names no part of a face', text
            )
        parts.append(line if used else f'{headline}: {line}')
        used = True
    if not used:
        raise UnusableAnswer('the answer ends with a headline', text)
    return parts


def _bare(line: str) -> str:
    """Take quotes, emphasis and the beginning of the prompt off a line."""
    line = re.sub(r'\*|__', '', line).strip()
    line = line.rstrip(' .,;').strip(_QUOTES)
    if line[:1] == line[-1:] == "'":
        line = line[1:-1]
    if start := _TEMPLATE.match(line):
        line = line[start.end() :]
    return line.strip(' .,;')


# The last of these ends the thoughts, whether or not their beginning came
# along. gpt-oss answers in the channel "final", which is "assistantfinal"
# where the server took the special tokens out.
_THOUGHT_END = re.compile(
    r'<\s*/\s*(?:\w+:)?(?:think\w*|thoughts?|reason\w*|reflect\w*|analysis)'
    r'\s*>|\[\s*/\s*think\w*\s*\]|\u25c1/think\w*\u25b7'
    r'|<\|channel\|>\s*final\s*<\|message\|>|\bassistantfinal',
    re.IGNORECASE,
)
# Other channels than "final" are no answer; theirs stay, as brackets.
_TOKEN = re.compile(
    r'<(?:\|(?!channel)[^<>|]{1,40}\||\uff5c[^<>|]{1,40}\uff5c)>'
    r'|</?(?:s|bos|eos|end_of_turn|answer|final|output|response)>',
    re.IGNORECASE,
)


def spoken(answer: str) -> str:
    """Take thoughts, special tokens and what cannot be printed off an answer.

    Args:
        answer (str): What the model said.

    Returns:
        str: What is left; a thought without an end still is, with its tag.
    """
    *_, last = _THOUGHT_END.split(answer)
    text = re.sub('[\u2018\u2019]', "'", _TOKEN.sub('', last))
    return ''.join(c for c in text if c.isprintable() or c.isspace())


# fmt: off
FACE_PARTS = (
    'forehead', 'temple', 'brow', 'eyebrow', 'eye', 'eyelid', 'eyelash',
    'lid', 'lash', 'iris', 'pupil', 'gaze', 'stare', 'glare', 'nose',
    'nostril', 'cheek', 'dimple', 'mouth', 'lip', 'jaw', 'chin', 'tooth',
    'teeth', 'tongue', 'skin', 'muscle', 'wrinkle', 'smile', 'grin', 'frown',
    'ear', 'neck',
)
# fmt: on
"""Every description names one of these, or the face or the head."""

# "faces" and "heads" are people's, and stand in refusals.
_PART = re.compile(
    rf'\b(?:face|head|(?:{"|".join(FACE_PARTS)})(?:s|es|d|ed|ped)?)\b',
    re.IGNORECASE,
)


def names_part(text: str) -> bool:
    """Whether a text names a part of the face, or the face itself.

    Args:
        text (str): A text in English.

    Returns:
        bool: ``True`` for "half-closed eyelids", ``False`` for "Sure!".
    """
    return bool(_PART.search(text))
