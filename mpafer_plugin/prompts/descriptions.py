import datetime
import json
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mpafer_plugin.datasets.categories import class_key


def read_descriptions(
    path: Path, classes: Sequence[str], words: Sequence[str]
) -> list[list[str]]:
    """Read the descriptions of the classes from a JSON file.

    The format is shown at :func:`mpafer_plugin.prompts.load_hard_prompts`;
    the whole file is checked, whichever classes are asked for. If a class was
    asked about by another word than its prompts will have, that is warned of.

    Args:
        path (Path): The file.
        classes (Sequence[str]): Label names; they meet the file's names by
            their canonical form.
        words (Sequence[str]): The word of each class in its prompts.

    Returns:
        list[list[str]]: The descriptions of each class, one or more.

    Raises:
        ValueError: If the file is not in the format or of another schema
            version, or a class is unknown to it.
    """
    file = JSONFile(path)
    check_file(file)
    entries = file.content['classes']
    by_name = {class_key(name): entry for name, entry in entries.items()}
    found = []
    for name, word in zip(classes, words, strict=True):
        if class_key(name) not in by_name:
            raise ValueError(
                f'{path} has no class {name!r}; it has {list(entries)}'
            )
        entry = by_name[class_key(name)]
        asked = entry.get('word', word)
        if class_key(asked) != class_key(word):
            warnings.warn(
                f'{path} describes {name!r} as {asked!r}, but its prompts say '
                f'{word!r}; prompt_names={{{name!r}: {asked!r}}} makes them '
                'say the same',
                stacklevel=3,
            )
        found.append([text.strip() for text in entry['descriptions']])
    return found


_decode = json.JSONDecoder().raw_decode


def line_of(text: str, place: Sequence[str | int]) -> int:
    """Find the line where something stands in a JSON text.

    Args:
        text (str): A valid JSON text.
        place (Sequence[str | int]): The keys and indices that lead to it,
            from the outside.

    Returns:
        int: The line of its key or, in a list, of itself; from 1.
    """
    start = value = _skip(text, 0)
    for step in place:
        start = value = _skip(text, value + 1)  # behind the bracket
        if isinstance(step, str):
            key, value = _key(text, start)
            while key != step:
                start = _next(text, value)
                key, value = _key(text, start)
        else:
            for _ in range(step):
                start = value = _next(text, value)
    return text.count('\n', 0, start) + 1


def _key(text: str, start: int) -> tuple[str, int]:
    """Read a key; also give the place of its value."""
    key, end = _decode(text, start)
    return key, _skip(text, _skip(text, end) + 1)  # behind the colon


def _next(text: str, value: int) -> int:
    """Find the place behind a value and the comma that follows."""
    _, end = _decode(text, value)
    return _skip(text, _skip(text, end) + 1)


def _skip(text: str, start: int) -> int:
    """Find the next place that is not blank."""
    while text[start].isspace():
        start += 1
    return start


SCHEMA_VERSION = 1

FILE_KEYS = ('schema_version', 'source', 'classes')
SOURCE_KEYS = ('model', 'question', 'contrast_question', 'form', 'date')
CLASS_KEYS = ('word', 'descriptions', 'against', 'uncut')


class JSONFile:
    """A JSON file whose errors name the line.

    Args:
        path (Path): The file.

    Attributes:
        content (dict): What it holds.

    Raises:
        ValueError: If it does not hold a JSON object, or a key twice.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.text = path.read_text(encoding='utf-8-sig')
            content = json.loads(self.text, object_pairs_hook=_unique_keys)
        except json.JSONDecodeError as error:
            raise ValueError(
                f'{path}:{error.lineno}: not valid JSON: {error.msg}'
            ) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{path}: {error}') from error
        if not isinstance(content, dict):
            raise ValueError(
                f'{path}: must hold a JSON object, not {content!r}'
            )
        self.content = content

    def refuse(self, message: str, *place: str | int) -> ValueError:
        """Make the error of something in the file.

        Args:
            message (str): What is wrong.
            *place (str | int): The keys and indices that lead to it.
        """
        return ValueError(
            f'{self.path}:{line_of(self.text, place)}: {message}'
        )

    def check_object(
        self, value: Any, allowed: Collection[str], *place: str
    ) -> None:
        """Refuse what is no object, or holds other keys than these."""
        if not isinstance(value, dict):
            raise self.refuse(
                f'{place[-1]!r} must be an object, not {value!r}', *place
            )
        for key in value:
            if key not in allowed:
                raise self.refuse(
                    f'the key {key!r} is unknown; allowed are {list(allowed)}',
                    *place,
                    key,
                )


def check_file(file: JSONFile) -> None:
    """Refuse a file that is not in the format.

    Args:
        file (JSONFile): The file.

    Raises:
        ValueError: If it is of another version, lacks ``classes``, or holds
            an unknown key or a value of the wrong type.
    """
    version = file.content.get('schema_version')
    # True == 1 in Python
    if type(version) is not int or version != SCHEMA_VERSION:
        place = ['schema_version'] if 'schema_version' in file.content else []
        raise file.refuse(
            f'schema_version is {version!r}; this version reads '
            f'{SCHEMA_VERSION}',
            *place,
        )
    file.check_object(file.content, FILE_KEYS)
    check_source(file)
    check_classes(file)


def check_source(file: JSONFile) -> None:
    """Refuse a ``source`` that is not in the format; it may be absent."""
    source = file.content.get('source', {})
    file.check_object(source, SOURCE_KEYS, 'source')
    for key, value in source.items():
        if not isinstance(value, str):
            raise file.refuse(
                f'{key!r} must be a text, not {value!r}', 'source', key
            )
    date = source.get('date', '2000-01-01')
    try:
        # fromisoformat also reads other forms of ISO 8601
        right = datetime.date.fromisoformat(date).isoformat() == date
    except ValueError:
        right = False
    if not right:
        raise file.refuse(
            f'"date" must be a day such as 2026-11-21, not {date!r}',
            'source',
            'date',
        )


def check_classes(file: JSONFile) -> None:
    """Refuse ``classes`` that are not in the format."""
    if 'classes' not in file.content:
        raise file.refuse('"classes" is missing')
    classes = file.content['classes']
    if not isinstance(classes, dict):
        raise file.refuse(
            f"'classes' must be an object, not {classes!r}", 'classes'
        )
    by_name: dict[str, str] = {}
    for name in classes:
        other = by_name.setdefault(class_key(name), name)
        if other != name:
            raise file.refuse(
                f'{name!r} and {other!r} mean the same class', 'classes', name
            )
    for name, entry in classes.items():
        place = ('classes', name)
        file.check_object(entry, CLASS_KEYS, *place)
        word = entry.get('word', 'any')
        if not isinstance(word, str) or not word.strip():
            raise file.refuse(
                f"class {name!r}: 'word' must be a text that is not empty, "
                f'not {word!r}',
                *place,
                'word',
            )
        texts = entry.get('descriptions')
        if not isinstance(texts, list) or not texts:
            beyond = [key for key in entry if key == 'descriptions']
            raise file.refuse(_wrong_description(name, texts), *place, *beyond)
        for i, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise file.refuse(
                    _wrong_description(name, text), *place, 'descriptions', i
                )
        for key in ('against', 'uncut'):
            _check_beside(file, name, key)


def _check_beside(file: JSONFile, name: str, key: str) -> None:
    """Check a list that says something of each description, or nothing."""
    entry = file.content['classes'][name]
    values = entry.get(key)
    if key not in entry:
        return
    if not isinstance(values, list) or not all(
        value is None or (isinstance(value, str) and value.strip())
        for value in values
    ):
        problem = f'must be a list of texts and nulls, not {values!r}'
    elif len(values) != len(entry['descriptions']):
        problem = (
            f'has {len(values)} entries for {len(entry["descriptions"])} '
            'descriptions'
        )
    else:
        return
    raise file.refuse(
        f'class {name!r}: {key!r} {problem}', 'classes', name, key
    )


def _wrong_description(name: str, value: Any) -> str:
    return (
        f'class {name!r} has the description {value!r}; "descriptions" must '
        'be a list of texts that are not empty'
    )


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object, refusing a key that json would overwrite."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'the key {key!r} stands twice in one object')
    return dict(pairs)
