import itertools
import json
import os
from pathlib import Path

from mpafer_plugin.utils.atomic_write import atomic_write

from ..descriptions import load_json_object
from .questions import Description, question_key

Answers = dict[tuple[str, str], list[Description]]
"""Descriptions by class and :func:`~.questions.question_key`."""


class Refused(ValueError):
    """Raised if an existing file would be overwritten or does not fit."""


def partial_file(out: Path) -> Path:
    """Return the path of the answers of an unfinished run."""
    return out.with_name(f'{out.name}.part')


def read_answers(part: Path, model: str) -> Answers:
    """Load the answers of an unfinished run.

    Args:
        part (Path): The file; may be missing.
        model (str): The model that is to be asked.

    Returns:
        Answers: The answers, of any classes and questions.

    Raises:
        Refused: If they are of another model, or the file is damaged.
    """
    if not part.exists():
        return {}
    try:
        content = load_json_object(part)
        former = content['model']
        answers = {
            (entry['class'], question_key(entry['question'])): [
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
                raise ValueError(f'{description} does not consist of strings')
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(
            f'{part} is not a file of answers ({error}); delete it to start '
            'over'
        ) from error
    if answers and former != model:
        raise Refused(
            f'{part} has answers of the model {former!r}, not {model!r}; '
            'delete it to start over'
        )
    return answers


def write_answers(part: Path, model: str, answers: Answers) -> None:
    """Save the answers so far and the model that gave them."""
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
    """Write a JSON file atomically."""
    with atomic_write(path) as part, part.open('w', encoding='utf-8') as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write('\n')
        file.flush()
        os.fsync(file.fileno())
