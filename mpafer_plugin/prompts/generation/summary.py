"""What is told about questions and answers, as lines of plain text."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from mpafer_plugin.clip.tokenizer import word_tokens

from .generate import ATTEMPTS
from .questions import Description, Plan
from .token_budget import CONTEXT_LENGTH, prompt_tokens, room


def question_lines(
    plan: Plan, done: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Say what would be asked and how many tokens it costs.

    Args:
        plan (Plan): What is to be asked.
        done (Collection[tuple[str, str]]): Classes and texts of questions
            that were answered already.

    Yields:
        str: A line.
    """
    asked = answers = number = 0
    for name in plan.words:
        for question in plan.questions(name):
            if (name, question.text) in done:
                yield f'{name}, answered already: {question.text}'
                continue
            tokens = len(word_tokens(question.text))
            yield f'{name}, {tokens} tokens: {question.text}'
            number += 1
            asked += tokens
            answers += question.count * room(question.word)
    yield (
        f'{number} questions of {asked} tokens, and at most {answers} tokens '
        "of answers if they keep to the form; counted by open_clip's "
        'tokenizer, the server counts by its own. It costs more where the '
        'model thinks before it answers, or a question is asked again: up to '
        f'{ATTEMPTS} times for an answer of use, up to {ATTEMPTS - 1} for '
        'shorter ones.'
    )


def answer_lines(
    name: str, word: str, descriptions: Iterable[Description]
) -> Iterator[str]:
    """Say how a class was described, and what was cut.

    Args:
        name (str): The class.
        word (str): The word that stands for it in its prompts.
        descriptions (Iterable[Description]): Its descriptions.

    Yields:
        str: A line.
    """
    for text, against, uncut in descriptions:
        told = f', against {against}' if against else ''
        tokens = prompt_tokens(word, text)
        yield f'{name}{told}, {tokens} of {CONTEXT_LENGTH} tokens: {text}'
        if uncut is not None:
            yield f'  CUT, it had {prompt_tokens(word, uncut)}: {uncut}'


def same_lines(classes: Mapping[str, Mapping]) -> Iterator[str]:
    """Say which classes were described alike.

    Args:
        classes (Mapping[str, Mapping]): The classes of a file.

    Yields:
        str: A line.
    """
    first: dict[str, str] = {}
    for name, entry in classes.items():
        for text in entry['descriptions']:
            other = first.setdefault(text.lower(), name)
            if other != name:
                yield f'WARNING: {other!r} and {name!r} are both: {text}'
