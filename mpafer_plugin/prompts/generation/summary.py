from collections.abc import Collection, Iterable, Iterator, Mapping

from mpafer_plugin.clip.tokenizer import word_tokens

from .generate import ATTEMPTS
from .questions import Description, Plan
from .token_budget import CONTEXT_LENGTH, prompt_tokens, room


def question_lines(
    plan: Plan, done: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Format the questions of a plan and what they cost.

    Args:
        plan (Plan): What to ask.
        done (Collection[tuple[str, str]]): Class and key of each question
            that is answered already.

    Yields:
        str: A line for the terminal.
    """
    asked = answers = number = 0
    for name in plan.words:
        for question in plan.questions(name):
            if (name, question.key) in done:
                yield f'{name}, answered already: {question.text}'
                continue
            tokens = len(word_tokens(question.text))
            yield f'{name}, {tokens} tokens: {question.text}'
            number += 1
            asked += tokens
            answers += question.count * room(question.word)
    yield (
        f'{number} questions of {asked} tokens, and at most {answers} tokens '
        "of descriptions, counted by open_clip's tokenizer; the server's may "
        'count otherwise. Reasoning costs more, and so do repeated '
        f'questions: up to {ATTEMPTS} attempts at a usable answer and '
        f'{ATTEMPTS - 1} requests for a shorter one.'
    )


def answer_lines(
    name: str, word: str, descriptions: Iterable[Description]
) -> Iterator[str]:
    """Format the descriptions of a class, and what was cut from them.

    Args:
        name (str): The class.
        word (str): Its word in prompts.
        descriptions (Iterable[Description]): Its descriptions.

    Yields:
        str: A line for the terminal.
    """
    for text, against, uncut in descriptions:
        pair = f', against {against}' if against else ''
        tokens = prompt_tokens(word, text)
        yield f'{name}{pair}, {tokens} of {CONTEXT_LENGTH} tokens: {text}'
        if uncut is not None:
            yield f'  CUT from {prompt_tokens(word, uncut)} tokens: {uncut}'


def same_lines(classes: Mapping[str, Mapping]) -> Iterator[str]:
    """Format a warning for each description that two classes share.

    Args:
        classes (Mapping[str, Mapping]): ``classes`` of the file.

    Yields:
        str: A line for the terminal.
    """
    first: dict[str, str] = {}
    for name, entry in classes.items():
        for text in entry['descriptions']:
            other = first.setdefault(text.lower(), name)
            if other != name:
                yield (
                    f'WARNING: {other!r} and {name!r} have the same '
                    f'description: {text}'
                )
