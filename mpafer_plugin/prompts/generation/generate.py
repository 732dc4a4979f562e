import datetime
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..descriptions import SCHEMA_VERSION
from .answers import UnusableAnswer, clean_answer
from .client import ServerError
from .partial_answers import (
    Answers,
    Refused,
    partial_file,
    read_kept,
    write_json,
    write_kept,
)
from .questions import Description, Plan, Question
from .token_budget import cut, fits, prompt_tokens, shorter_limit

ATTEMPTS = 3
"""Answers of no use before giving up; and too long ones before cutting."""

Ask = Callable[[Sequence[dict[str, str]]], str]
"""What gives the answer to a conversation, as :meth:`Chat.ask`."""


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
        raise UnusableAnswer('the answer cannot be cut', text) from error
    return Description(short, question.against, text)


class NoAnswer(RuntimeError):
    """The model does not say what it is asked for."""


def answered(plan: Plan, out: Path, force: bool = False) -> Answers:
    """Read what a former run was answered, by the same model.

    Args:
        plan (Plan): What is to be asked.
        out (Path): The file that the run is to write.
        force (bool): Whether it may overwrite one. Defaults to False.

    Returns:
        Answers: For a class and the text of a question the descriptions;
        what the plan does not ask is not among them.

    Raises:
        Refused: If ``out`` is a folder, is in none, or is there and may not
            be overwritten, or the answers are of another model.
    """
    _check_out(out, force)
    kept = read_kept(partial_file(out), plan.model)
    asked = {(n, q.text) for n in plan.words for q in plan.questions(n)}
    return {key: kept[key] for key in kept if key in asked}


def generate(
    plan: Plan,
    ask: Ask,
    out: Path,
    force: bool = False,
    report: Callable[[str, list[Description]], None] = lambda *_: None,
) -> dict:
    """Ask about every class and write the file of descriptions.

    Each answer is kept at once in a file beside ``out``, so that another run
    asks only for what is missing. ``out`` is written when all are there, and
    a file of that name stays as it is until then. A question without an
    answer of use does not keep the others from being asked.

    Args:
        plan (Plan): What to ask.
        ask (Ask): Gives the answer to a conversation, as :meth:`Chat.ask`.
        out (Path): The file.
        force (bool): Overwrite it. Defaults to False.
        report (Callable): Told the class and the descriptions of each answer.

    Returns:
        dict: What the file holds.

    Raises:
        Refused: See :func:`answered`; also if the folder cannot be written.
        ServerError: If the server does not answer.
        NoAnswer: If no answer to some of the questions is of use.
    """
    _check_out(out, force)
    part = partial_file(out)
    answers = read_kept(part, plan.model)
    try:
        write_kept(part, plan.model, answers)  # fails before it costs
    except OSError as error:
        raise Refused(f'{part} cannot be written: {error}') from error
    failures: list[str] = []
    try:
        _ask_all(plan, ask, answers, part, report, failures)
    except ServerError as error:
        raise ServerError('\n'.join([*failures, f'{error}'])) from error
    finally:
        if not answers:
            part.unlink(missing_ok=True)
    if failures:
        raise NoAnswer('\n'.join(failures))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    content = dict(
        schema_version=SCHEMA_VERSION,
        source=plan.source(today),
        classes={name: _entry(plan, name, answers) for name in plan.words},
    )
    if not force and out.exists():
        raise Refused(f'{out} has come up meanwhile; --force overwrites it')
    write_json(out, content)
    part.unlink(missing_ok=True)
    return content


def _check_out(out: Path, force: bool) -> None:
    """Refuse a file that cannot be, or is not to be, written."""
    if out.is_dir():
        raise Refused(f'{out} is a folder')
    if out.exists() and not force:
        raise Refused(f'{out} is there; --force overwrites it')
    # It would be made, and a mistyped one is found too late.
    if not out.parent.is_dir():
        raise Refused(
            f'{partial_file(out)} cannot be written: no folder {out.parent}'
        )


def _ask_all(
    plan: Plan,
    ask: Ask,
    answers: Answers,
    part: Path,
    report: Callable[[str, list[Description]], None],
    failures: list[str],
) -> None:
    """Ask what is missing in the answers; add what was not answered."""
    for name in plan.words:
        questions = plan.questions(name)
        for question in questions:
            if (name, question.text) in answers:
                continue
            said = [
                description.text
                for other in questions
                for description in answers.get((name, other.text), [])
            ]
            try:
                descriptions = describe(ask, question, said)
            except UnusableAnswer as error:
                against = question.against
                about = name if against is None else f'{name} / {against}'
                failures.append(
                    f'no answer about {about!r} was of use; the last one of '
                    f'{ATTEMPTS}: {error}'
                )
                continue
            answers[name, question.text] = descriptions
            write_kept(part, plan.model, answers)
            report(name, descriptions)


def _entry(plan: Plan, name: str, answers: Answers) -> dict:
    """Write a class's entry of the file."""
    descriptions = [
        description
        for question in plan.questions(name)
        for description in answers[name, question.text]
    ]
    entry: dict = dict(
        word=plan.words[name], descriptions=[d.text for d in descriptions]
    )
    for key in ('against', 'uncut'):
        values = [getattr(d, key) for d in descriptions]
        if any(values):
            entry[key] = values
    return entry
