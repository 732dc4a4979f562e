import datetime
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ..descriptions import SCHEMA_VERSION
from .answers import UnusableAnswer, answer_format, format_answer, parse_answer
from .client import ServerError
from .partial_answers import (
    Answers,
    Refused,
    partial_file,
    read_answers,
    write_answers,
    write_json,
)
from .questions import Description, Plan, Question
from .token_budget import cut, fits, prompt_tokens, shorter_limit

ATTEMPTS = 3
"""Unusable answers before giving up; too long ones before cutting."""

Ask = Callable[[Sequence[dict[str, str]], dict[str, Any]], str]
"""Function from messages and response format to the answer, such as
:meth:`Chat.ask`."""


class NoAnswer(RuntimeError):
    """Raised if the model gave no usable answer to some questions."""


def answered(plan: Plan, out: Path, force: bool = False) -> Answers:
    """Load the answers of an unfinished run to the questions of a plan.

    Args:
        plan (Plan): What to ask.
        out (Path): The file to be written.
        force (bool): Allow ``out`` to exist. Defaults to False.

    Returns:
        Answers: Descriptions by class and question.

    Raises:
        Refused: If ``out`` cannot or must not be written, or the answers are
            of another model.
    """
    _check_out(out, force)
    answers = read_answers(partial_file(out), plan.model)
    return {
        (name, question.key): answers[name, question.key]
        for name in plan.words
        for question in plan.questions(name)
        if _is_answered(answers, name, question)
    }


def generate(
    plan: Plan,
    ask: Ask,
    out: Path,
    force: bool = False,
    report: Callable[[str, list[Description]], None] = lambda *_: None,
) -> dict:
    """Ask about every class and write the file of descriptions.

    Each answer is saved at once in a file beside ``out``, from which another
    run resumes. ``out`` is written when all answers are there. A question
    without a usable answer does not stop the others from being asked.

    Args:
        plan (Plan): What to ask.
        ask (Ask): Function that answers, such as :meth:`Chat.ask`.
        out (Path): The file to write.
        force (bool): Overwrite ``out``. Defaults to False.
        report (Callable): Called with the class and its new descriptions
            after each answer.

    Returns:
        dict: The content of the file.

    Raises:
        Refused: As :func:`answered`; also if the folder is not writable.
        ServerError: If the server does not answer.
        NoAnswer: If some questions have no usable answer.
    """
    _check_out(out, force)
    part = partial_file(out)
    answers = read_answers(part, plan.model)
    try:
        write_answers(part, plan.model, answers)  # fail before it costs
    except OSError as error:
        raise Refused(f'{part} cannot be written: {error}') from error
    failures: list[str] = []
    try:
        for name in plan.words:
            for question in plan.questions(name):
                if _is_answered(answers, name, question):
                    continue
                answers.pop((name, question.key), None)
                known = [
                    description.text
                    for other in plan.questions(name)
                    for description in answers.get((name, other.key), [])
                ]
                try:
                    descriptions = describe(ask, question, known)
                except UnusableAnswer as error:
                    pair = filter(None, (name, question.against))
                    failures.append(
                        f'no usable answer about {" / ".join(pair)!r}; the '
                        f'last of {ATTEMPTS}: {error}'
                    )
                    continue
                answers[name, question.key] = descriptions
                write_answers(part, plan.model, answers)
                report(name, descriptions)
    except ServerError as error:
        raise ServerError('\n'.join([*failures, f'{error}'])) from error
    finally:
        if not answers:
            part.unlink(missing_ok=True)
    if failures:
        raise NoAnswer('\n'.join(failures))
    content = dict(
        schema_version=SCHEMA_VERSION,
        source=plan.source(datetime.datetime.now(datetime.UTC).date()),
        classes={name: _entry(plan, name, answers) for name in plan.words},
    )
    if not force and out.exists():
        raise Refused(
            f'{out} was written by another process meanwhile; --force '
            'overwrites it'
        )
    write_json(out, content)
    part.unlink(missing_ok=True)
    return content


def describe(
    ask: Ask, question: Question, known: Collection[str] = ()
) -> list[Description]:
    """Ask a question until the answer is usable and short enough.

    An unusable answer is asked for again, a too long one is asked for in
    fewer words. If all attempts are too long, the shortest one is cut.

    Args:
        ask (Ask): Function that answers, such as :meth:`Chat.ask`.
        question (Question): The question.
        known (Collection[str]): Descriptions that the class has already and
            that must not be repeated. Defaults to ().

    Returns:
        list[Description]: ``question.count`` descriptions.

    Raises:
        UnusableAnswer: If no answer was usable; quotes the last one.
    """
    form = answer_format(question.count)
    messages = [dict(role='user', content=question.text)]
    too_long: list[list[str]] = []
    unusable = 0
    while len(too_long) < ATTEMPTS:
        try:
            texts = parse_answer(ask(messages, form), question.count)
            _check_unique(texts, known)
        except UnusableAnswer as error:
            unusable += 1
            if unusable == ATTEMPTS:
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
            dict(role='assistant', content=format_answer(texts)),
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
    descriptions = []
    for text in shortest:
        try:
            short = cut(question.word, text)
        except ValueError as error:
            raise UnusableAnswer('the answer cannot be cut', text) from error
        uncut = None if short == text else text
        descriptions.append(Description(short, question.against, uncut))
    _check_unique([description.text for description in descriptions], known)
    return descriptions


def _check_unique(texts: Sequence[str], known: Collection[str]) -> None:
    """Raise if texts repeat each other or known ones."""
    seen = {text.lower() for text in known}
    for text in texts:
        if text.lower() in seen:
            raise UnusableAnswer('the answer says the same twice', text)
        seen.add(text.lower())


def _is_answered(answers: Answers, name: str, question: Question) -> bool:
    return len(answers.get((name, question.key), ())) == question.count


def _check_out(out: Path, force: bool) -> None:
    """Raise if the file cannot or must not be written."""
    if out.is_dir():
        raise Refused(f'{out} is a folder')
    if out.exists() and not force:
        raise Refused(f'{out} exists; --force overwrites it')
    # atomic_write would make a mistyped folder
    if not out.parent.is_dir():
        raise Refused(
            f'{partial_file(out)} cannot be written: no folder {out.parent}'
        )


def _entry(plan: Plan, name: str, answers: Answers) -> dict:
    """Build the entry of a class in the file."""
    descriptions = [
        description
        for question in plan.questions(name)
        for description in answers[name, question.key]
    ]
    entry: dict = dict(
        word=plan.words[name], descriptions=[d.text for d in descriptions]
    )
    for key in ('against', 'uncut'):
        values = [getattr(d, key) for d in descriptions]
        if any(values):
            entry[key] = values
    return entry
