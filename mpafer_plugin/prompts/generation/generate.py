import datetime
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ..descriptions import SCHEMA_VERSION
from .answers import (
    Description,
    UnusableAnswer,
    answer_format,
    format_answer,
    parse_answer,
)
from .client import ServerError
from .partial_answers import (
    Answers,
    Refused,
    partial_file,
    read_answers,
    write_answers,
    write_json,
)
from .questions import (
    CONTRAST_QUESTION,
    FORM,
    QUESTION,
    Plan,
    Question,
)
from .token_budget import cut, fits, prompt_tokens, shorter_limit

ATTEMPTS = 3
"""Unusable answers before giving up; too long ones before cutting."""

Ask = Callable[[Sequence[dict[str, str]], dict[str, Any]], str]
"""Function from messages and response format to the answer, such as
:meth:`Chat.ask`."""


class NoAnswer(RuntimeError):
    """Raised if the model gave no usable answer to some questions."""


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
        Refused: If ``out`` or the file beside it cannot or must not be
            written, or the latter has answers of another model.
        ServerError: If the server does not answer.
        NoAnswer: If some questions have no usable answer.
    """
    part = partial_file(out)
    if out.is_dir():
        raise Refused(f'{out} is a folder')
    if out.exists() and not force:
        raise Refused(f'{out} exists; --force overwrites it')
    # atomic_write would create a mistyped folder
    if not out.parent.is_dir():
        raise Refused(f'{part} cannot be written: no folder {out.parent}')
    answers = read_answers(part, plan.model)
    try:
        write_answers(part, plan.model, answers)  # fail before asking
    except OSError as error:
        raise Refused(f'{part} cannot be written: {error}') from error
    failures: list[str] = []
    try:
        for question in plan.questions():
            if question.key in answers:
                continue
            known = [
                description.text
                for other in plan.questions(question.name)
                for description in answers.get(other.key, [])
            ]
            try:
                descriptions = describe(ask, question, known)
            except UnusableAnswer as error:
                pair = filter(None, (question.name, question.against))
                failures.append(
                    f'no usable answer about {" / ".join(pair)!r}; the last '
                    f'of {ATTEMPTS}: {error}'
                )
                continue
            answers[question.key] = descriptions
            write_answers(part, plan.model, answers)
            report(question.name, descriptions)
    except ServerError as error:
        raise ServerError('\n'.join([*failures, f'{error}'])) from error
    finally:
        if not answers:
            part.unlink(missing_ok=True)
    if failures:
        raise NoAnswer('\n'.join(failures))
    content = file_content(plan, answers)
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
        known (Collection[str]): Descriptions that the class already has,
            which the answer may not repeat. Defaults to none.

    Returns:
        list[Description]: ``question.count`` descriptions, cut if too long.

    Raises:
        UnusableAnswer: If no answer was usable; quotes the last one.
    """
    form = answer_format(question.count)
    messages = [dict(role='user', content=question.text)]
    too_long: list[list[str]] = []
    unusable = 0
    most = question.max_tokens
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
        if all(fits(question.word, text, most) for text in texts):
            return [Description(text, question.against) for text in texts]
        too_long.append(texts)
        messages = [
            dict(role='user', content=question.text),
            dict(role='assistant', content=format_answer(texts)),
            dict(
                role='user',
                content='That is too long. Say it in at most '
                f'{shorter_limit(question.word, texts, most)} words a line, '
                'in the same form.',
            ),
        ]
    texts = min(
        too_long,
        key=lambda texts: sum(prompt_tokens(question.word, t) for t in texts),
    )
    short = [cut(question.word, text, most) for text in texts]
    _check_unique(short, known)
    return [
        Description(kept, question.against, None if kept == text else text)
        for kept, text in zip(short, texts, strict=True)
    ]


def _check_unique(texts: Sequence[str], known: Collection[str]) -> None:
    """Raise if texts repeat each other or known ones."""
    seen = {text.lower() for text in known}
    for text in texts:
        if text.lower() in seen:
            raise UnusableAnswer('the answer says the same twice', text)
        seen.add(text.lower())


def file_content(plan: Plan, answers: Answers) -> dict:
    """Build the content of the file, dated today (UTC)."""
    source = dict(model=plan.model, question=QUESTION)
    if plan.contrast:
        source['contrast_question'] = CONTRAST_QUESTION
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    classes: dict[str, dict] = {}
    for name, word in plan.words.items():
        found = [
            description
            for question in plan.questions(name)
            for description in answers[question.key]
        ]
        classes[name] = dict(word=word, descriptions=[d.text for d in found])
        if any(d.against for d in found):
            classes[name]['against'] = [d.against for d in found]
        if any(d.uncut for d in found):
            classes[name]['uncut'] = [d.uncut for d in found]
    return dict(
        schema_version=SCHEMA_VERSION,
        source=source | dict(form=FORM, date=date),
        classes=classes,
    )
