import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

from mpafer_plugin.prompts.generation.answers import UnusableAnswer
from mpafer_plugin.prompts.generation.asking import (
    ATTEMPTS,
    Ask,
    Description,
    describe,
)
from mpafer_plugin.prompts.generation.questions import Plan
from mpafer_plugin.prompts.schema import (
    SCHEMA_VERSION,
    JSONFile,
    check_classes,
)


class Refused(ValueError):
    """What is on the disk stands in the way."""


class NoAnswer(RuntimeError):
    """The model does not say what it is asked for."""


def partial_file(out: Path) -> Path:
    """Name the file that keeps the answers of a run that is not finished."""
    return out.with_name(f'{out.name}.part')


def answered(plan: Plan, out: Path, force: bool = False) -> dict[str, dict]:
    """Read what a former run of the same plan was answered.

    Args:
        plan (Plan): What is to be asked.
        out (Path): The file that the run is to write.
        force (bool): Whether it may overwrite one. Defaults to False.

    Returns:
        dict[str, dict]: The classes that need not be asked about.

    Raises:
        Refused: If ``out`` is there and may not be overwritten, or the run
            that is not finished had another plan.
    """
    if out.exists() and not force:
        raise Refused(f'{out} is there; --force overwrites it')
    part = partial_file(out)
    if not part.exists():
        return {}
    delete = f'delete {part} to ask anew'
    try:
        file = JSONFile(part)
        former = file.content.get('plan')
        if not isinstance(former, dict):
            raise ValueError(f'{part}: is not what a run left')
        check_classes(file)
    except ValueError as error:
        raise Refused(f'{error}; {delete}') from error
    for key, value in plan.record().items():
        if former.get(key) != value:
            raise Refused(
                f'{part} was begun with {key} = {former.get(key)!r}, which is '
                f'now {value!r}; {delete}'
            )
    return file.content['classes']


def generate(
    plan: Plan,
    ask: Ask,
    out: Path,
    force: bool = False,
    report: Callable[[str, list[Description]], None] = lambda *_: None,
) -> None:
    """Ask about every class and write the file of descriptions.

    The answers so far are kept in a file beside ``out`` after each class, so
    that a run which stopped goes on where it was. ``out`` is written when all
    are there, and a file of that name stays as it is until then.

    Args:
        plan (Plan): What to ask.
        ask (Ask): Gives the answer to a conversation, as :meth:`Chat.ask`.
        out (Path): The file.
        force (bool): Overwrite it. Defaults to False.
        report (Callable): Told each class, with its descriptions.

    Raises:
        Refused: See :func:`answered`.
        ServerError: If the server does not answer.
        NoAnswer: If no answer about a class is of use.
    """
    classes = answered(plan, out, force)
    part = partial_file(out)
    for name in plan.words:
        if name in classes:
            continue
        descriptions = []
        for question in plan.questions(name):
            try:
                descriptions += describe(ask, question)
            except UnusableAnswer as error:
                against = question.against
                about = name if against is None else f'{name} / {against}'
                raise NoAnswer(
                    f'no answer about {about!r} was of use; the last one of '
                    f'{ATTEMPTS}: {error}'
                ) from error
        classes[name] = _entry(descriptions)
        write_json(part, dict(plan=plan.record(), classes=classes))
        report(name, descriptions)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    content = dict(
        schema_version=SCHEMA_VERSION,
        source=plan.source(today),
        classes={name: classes[name] for name in plan.words},
    )
    if not force and out.exists():
        raise Refused(f'{out} has come up meanwhile; --force overwrites it')
    write_json(out, content)
    part.unlink()


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file that is whole or not there at all."""
    new = path.with_name(f'{path.name}.{os.getpid()}.new')
    with new.open('w', encoding='utf-8') as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write('\n')
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _entry(descriptions: list[Description]) -> dict:
    """Write a class's entry of the file."""
    entry: dict = dict(descriptions=[d.text for d in descriptions])
    for key in ('against', 'uncut'):
        values = [getattr(d, key) for d in descriptions]
        if any(values):
            entry[key] = values
    return entry
