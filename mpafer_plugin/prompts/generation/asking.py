from collections.abc import Callable, Sequence
from typing import NamedTuple

from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    clean_answer,
)
from mpafer_plugin.prompts.generation.budget import (
    cut,
    fits,
    shorter_limit,
)
from mpafer_plugin.prompts.generation.questions import Question

ATTEMPTS = 3  # answers that are asked for before giving up, or cutting

Ask = Callable[[Sequence[dict[str, str]]], str]
"""What gives the answer to a conversation, as :meth:`Chat.ask`."""


class Description(NamedTuple):
    """One description of a class.

    Attributes:
        text (str): The description, which fits the text tower.
        against (str, optional): The class that it tells this one from.
        uncut (str, optional): What it was cut from.
    """

    text: str
    against: str | None = None
    uncut: str | None = None


def describe(ask: Ask, question: Question) -> list[Description]:
    """Ask a question until the answer is of use.

    An answer that is empty, a refusal or otherwise of no use is asked for
    again; of one that is too long a shorter one is asked for, and what is
    still too long in the end is cut.

    Args:
        ask (Ask): Gives the answer to a conversation.
        question (Question): What to ask.

    Returns:
        list[Description]: As many as the question asks for.

    Raises:
        UnusableAnswer: If no answer was of use; it quotes the last one.
    """
    messages = [dict(role='user', content=question.text)]
    texts: list[str] = []
    for attempt in range(ATTEMPTS):
        try:
            texts = clean_answer(ask(messages), question.count)
        except UnusableAnswer as error:
            if attempt == ATTEMPTS - 1 and not texts:
                raise
            again = f'{question.text} Last time {error.problem}.'
            messages = [dict(role='user', content=again)]
            continue
        if all(fits(question.word, text) for text in texts):
            break
        messages = [
            dict(role='user', content=question.text),
            dict(role='assistant', content='\n'.join(texts)),
            dict(
                role='user',
                content='That is too long. Say it in at most '
                f'{shorter_limit(question.word, texts)} words a line, in the '
                'same form.',
            ),
        ]
    return [_fitted(question, text) for text in texts]


def _fitted(question: Question, text: str) -> Description:
    if fits(question.word, text):
        return Description(text, question.against)
    try:
        short = cut(question.word, text)
    except ValueError as error:
        raise UnusableAnswer('the answer can not be cut', text) from error
    return Description(short, question.against, text)
