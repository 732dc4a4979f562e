from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    clean_answer,
)
from mpafer_plugin.prompts.generation.budget import (
    cut,
    fits,
    prompt_tokens,
    shorter_limit,
)
from mpafer_plugin.prompts.generation.questions import Question

ATTEMPTS = 3
"""Answers of no use before giving up; and too long ones before cutting."""

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


def describe(
    ask: Ask, question: Question, said: Collection[str] = ()
) -> list[Description]:
    """Ask a question until the answer is of use.

    An answer that is empty, a refusal or otherwise of no use is asked for
    again; of one that is too long a shorter one is asked for. What is still
    too long in the end is cut: the shortest that came.

    Args:
        ask (Ask): Gives the answer to a conversation.
        question (Question): What to ask.
        said (Collection[str]): Descriptions of the class that are there
            already, and are of no use again. Defaults to ().

    Returns:
        list[Description]: As many as the question asks for.

    Raises:
        UnusableAnswer: If no answer was of use; it quotes the last one.
    """
    messages = [dict(role='user', content=question.text)]
    too_long: list[list[str]] = []
    useless = 0
    while len(too_long) < ATTEMPTS:
        try:
            texts = clean_answer(ask(messages), question.count)
            _refuse_again(texts, said)
        except UnusableAnswer as error:
            useless += 1
            if useless == ATTEMPTS:
                if too_long:
                    break
                raise
            again = f'{question.text} Last time {error.problem}.'
            messages = [dict(role='user', content=again)]
            continue
        if all(fits(question.word, text) for text in texts):
            return [Description(text, question.against) for text in texts]
        too_long.append(texts)
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
    shortest = min(
        too_long,
        key=lambda texts: sum(prompt_tokens(question.word, t) for t in texts),
    )
    descriptions = [_fitted(question, text) for text in shortest]
    _refuse_again([description.text for description in descriptions], said)
    return descriptions


def _refuse_again(texts: Sequence[str], said: Collection[str]) -> None:
    """Refuse texts of which two, or one and another of the class, are one."""
    seen = {text.lower() for text in said}
    for text in texts:
        if text.lower() in seen:
            raise UnusableAnswer('the answer says the same twice', text)
        seen.add(text.lower())


def _fitted(question: Question, text: str) -> Description:
    if fits(question.word, text):
        return Description(text, question.against)
    try:
        short = cut(question.word, text)
    except ValueError as error:
        raise UnusableAnswer('the answer can not be cut', text) from error
    return Description(short, question.against, text)
