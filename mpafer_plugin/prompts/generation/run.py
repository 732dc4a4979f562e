import datetime
from collections.abc import Callable
from pathlib import Path

from mpafer_plugin.prompts.generation.answers import UnusableAnswer
from mpafer_plugin.prompts.generation.asking import (
    ATTEMPTS,
    Ask,
    Description,
    describe,
)
from mpafer_plugin.prompts.generation.chat import ServerError
from mpafer_plugin.prompts.generation.kept import (
    Answers,
    Refused,
    partial_file,
    read_kept,
    write_json,
    write_kept,
)
from mpafer_plugin.prompts.generation.questions import Plan
from mpafer_plugin.prompts.schema import SCHEMA_VERSION


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
        Refused: See :func:`answered`; also if the folder can't be written.
        ServerError: If the server does not answer.
        NoAnswer: If no answer to some of the questions is of use.
    """
    _check_out(out, force)
    part = partial_file(out)
    answers = read_kept(part, plan.model)
    try:
        write_kept(part, plan.model, answers)  # fails before it costs
    except OSError as error:
        raise Refused(f'{part} can not be written: {error}') from error
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
    """Refuse a file that can not be, or is not to be, written."""
    if out.is_dir():
        raise Refused(f'{out} is a folder')
    if out.exists() and not force:
        raise Refused(f'{out} is there; --force overwrites it')
    # It would be made, and a mistyped one is found too late.
    if not out.parent.is_dir():
        raise Refused(
            f'{partial_file(out)} can not be written: no folder {out.parent}'
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
