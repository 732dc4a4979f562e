"""The file that keeps the answers of a run that is not finished."""

import itertools
import json
import os
from pathlib import Path

from mpafer_plugin.utils.atomic_write import atomic_write

from ..descriptions import JSONFile
from .questions import Description

Answers = dict[tuple[str, str], list[Description]]
"""For a class and the text of a question, what the model said."""


class Refused(ValueError):
    """What is on the disk stands in the way."""


def partial_file(out: Path) -> Path:
    """Name the file that keeps the answers of a run that is not finished."""
    return out.with_name(f'{out.name}.part')


def read_kept(part: Path, model: str) -> Answers:
    """Read the answers that a former run was given.

    Args:
        part (Path): The file that kept them; it may be missing.
        model (str): The model that is to be asked.

    Returns:
        Answers: The answers, of whichever classes and questions.

    Raises:
        Refused: If another model gave them, or the file is damaged.
    """
    if not part.exists():
        return {}
    try:
        content = JSONFile(part).content
        former = content['model']
        answers = {
            (entry['class'], entry['question']): [
                Description(**description)
                for description in entry['descriptions']
            ]
            for entry in content['answers']
        }
        for description in itertools.chain(*answers.values()):
            text, *others = description
            if not isinstance(text, str) or not all(
                value is None or isinstance(value, str) for value in others
            ):
                raise ValueError(f'{description} is not of texts')
    except (ValueError, LookupError, TypeError) as error:
        raise Refused(
            f'{part} is not what a run left ({error}); delete it to ask anew'
        ) from error
    if answers and former != model:
        raise Refused(
            f'{part} has answers of the model {former!r}, not {model!r}; '
            'delete it to ask anew'
        )
    return answers


def write_kept(part: Path, model: str, answers: Answers) -> None:
    """Keep the answers so far.

    Args:
        part (Path): The file.
        model (str): The model that gave them.
        answers (Answers): The answers.
    """
    entries = [
        {
            'class': name,
            'question': question,
            'descriptions': [d._asdict() for d in descriptions],
        }
        for (name, question), descriptions in answers.items()
    ]
    write_json(part, dict(model=model, answers=entries))


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file that is whole or not there at all."""
    with atomic_write(path) as part, part.open('w', encoding='utf-8') as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write('\n')
        file.flush()
        os.fsync(file.fileno())
