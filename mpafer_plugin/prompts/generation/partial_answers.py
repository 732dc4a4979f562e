"""Answers of an unfinished run, in a file from which another resumes."""

import json
from pathlib import Path
from typing import Any

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.quoting import quote

from ..descriptions import check, check_keys, check_text, load_json_object
from .answers import Description
from .questions import without_form

Answers = dict[tuple[str, str, int], list[Description]]
"""Descriptions by :attr:`~.questions.Question.key`."""


class Refused(ValueError):
    """Raised if an existing file would be overwritten or does not fit."""


def partial_file(out: Path) -> Path:
    """Return the path of the answers of an unfinished run."""
    return out.with_name(f'{out.name}.part')


def read_answers(part: Path, model: str) -> Answers:
    """Load the answers of an unfinished run, of any classes and questions.

    Args:
        part (Path): The file; may be missing.
        model (str): Name of the model that is to be asked.

    Raises:
        Refused: If they are of another model, or the file is damaged.
    """
    if not part.exists():
        return {}
    try:
        former, answers = _check_answers(load_json_object(part))
    except ValueError as error:
        raise Refused(
            f'{part} is not a file of answers ({error}); delete it to start '
            'over'
        ) from error
    if answers and former != model:
        raise Refused(
            f'{part} has answers of the model {quote(former)}, not '
            f'{model!r}; delete it to start over'
        )
    return answers


def _check_answers(content: dict) -> tuple[str, Answers]:
    """Return the model and the answers of a file that was written before.

    Raises:
        ValueError: With the JSON path of a value that is wrong.
    """
    model: Any = content.get('model')
    entries: Any = content.get('answers')
    check_text(model, 'model')
    check(isinstance(entries, list), 'answers', 'a list', entries)
    answers: Answers = {}
    for i, entry in enumerate(entries):
        place = f'answers[{i}]'
        check_keys(entry, ('class', 'question', 'descriptions'), place)
        for key in ('class', 'question'):
            check_text(entry.get(key), f'{place}.{key}')
        texts = entry.get('descriptions')
        place += '.descriptions'
        check(isinstance(texts, list) and texts, place, 'a list', texts)
        for text in texts:
            check_keys(text, Description._fields, place)
            check_text(text.get('text'), f'{place}.text')
            for key in ('against', 'uncut'):
                if text.get(key) is not None:
                    check_text(text[key], f'{place}.{key}')
        question = without_form(entry['question'])
        name = entry['class'], question, len(texts)
        check(name not in answers, place, 'of another question', name)
        answers[name] = [Description(**text) for text in texts]
    return model, answers


def write_answers(part: Path, model: str, answers: Answers) -> None:
    """Save the answers so far and the model that gave them."""
    entries = [
        {
            'class': name,
            'question': question,
            'descriptions': [d._asdict() for d in descriptions],
        }
        for (name, question, _), descriptions in answers.items()
    ]
    write_json(part, dict(model=model, answers=entries))


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file atomically."""
    text = json.dumps(content, ensure_ascii=False, indent=2)
    with atomic_write(path) as part:
        part.write_text(f'{text}\n', encoding='utf-8')
