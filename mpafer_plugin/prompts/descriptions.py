"""Descriptions of classes in a JSON file: the format and its checks."""

import datetime
import json
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mpafer_plugin.datasets.categories import canonical_name

SCHEMA_VERSION = 1

FILE_KEYS = ('schema_version', 'source', 'classes')
SOURCE_KEYS = ('model', 'question', 'contrast_question', 'form', 'date')
CLASS_KEYS = ('word', 'descriptions', 'against', 'uncut')


def read_descriptions(
    path: Path, classes: Sequence[str], words: Sequence[str]
) -> list[list[str]]:
    """Read the descriptions of classes from a JSON file.

    :func:`mpafer_plugin.prompts.load_hard_prompts` shows the format. The
    whole file is checked, whichever classes are asked for. A warning says if
    the language model was asked about a class by another word than its
    prompts have.

    Args:
        path (Path): The file.
        classes (Sequence[str]): Label names, matched by canonical name.
        words (Sequence[str]): The word of each class in its prompts.

    Returns:
        list[list[str]]: The descriptions of each class, one or more.

    Raises:
        ValueError: If the file is not in the format or of another schema
            version, or lacks a class.
    """
    entries = load_descriptions(path)['classes']
    by_name = {canonical_name(name): entry for name, entry in entries.items()}
    found = []
    for name, word in zip(classes, words, strict=True):
        entry = by_name.get(canonical_name(name))
        if entry is None:
            raise ValueError(
                f'{path} has no class {name!r}; it has {list(entries)}'
            )
        asked = entry.get('word', word)
        if canonical_name(asked) != canonical_name(word):
            warnings.warn(
                f'{path} describes {name!r} as {asked!r}, but its prompts say '
                f'{word!r}; prompt_names={{{name!r}: {asked!r}}} makes them '
                'agree',
                stacklevel=3,
            )
        found.append([text.strip() for text in entry['descriptions']])
    return found


def load_descriptions(path: Path) -> dict:
    """Load a file of descriptions and check that it is in the format.

    Raises:
        ValueError: If the file is of another version, lacks ``classes``, or
            has an unknown key or a value of the wrong type; with the JSON
            path of it, such as ``classes['fear'].descriptions[0]``.
    """
    content = load_json_object(path)
    try:
        _check_file(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    return content


def load_json_object(path: Path) -> dict:
    """Load a JSON file that holds an object.

    Raises:
        ValueError: If it is not JSON, not an object, or has a key twice.
    """
    try:
        content = json.loads(
            path.read_text(encoding='utf-8-sig'),
            object_pairs_hook=_unique_keys,
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path}:{error.lineno}: not valid JSON: {error.msg}'
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path}: {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path}: must hold a JSON object, not {content!r}')
    return content


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object; json alone would let the last of two keys win."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'duplicate key {key!r} in one object')
    return dict(pairs)


def _check_file(content: dict) -> None:
    version = content.get('schema_version')
    # True == 1 in Python
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ValueError(
            f'schema_version is {version!r}; this version reads '
            f'{SCHEMA_VERSION}'
        )
    _check_keys(content, FILE_KEYS)
    _check_source(content.get('source', {}))
    if 'classes' not in content:
        raise ValueError('"classes" is missing')
    classes = content['classes']
    _check_keys(classes, classes, 'classes')
    by_name: dict[str, str] = {}
    for name in classes:
        other = by_name.setdefault(canonical_name(name), name)
        if other != name:
            raise ValueError(
                f'classes: {name!r} and {other!r} mean the same class'
            )
    for name, entry in classes.items():
        _check_class(entry, f'classes[{name!r}]')


def _check_keys(value: Any, allowed: Collection[str], place: str = '') -> None:
    """Check that a value is an object without other keys."""
    if not isinstance(value, dict):
        raise ValueError(f'{place} must be an object, not {value!r}')
    for key in value:
        if key not in allowed:
            raise ValueError(
                f'{place + ": " if place else ""}unknown key {key!r}; '
                f'allowed are {list(allowed)}'
            )


def _check_source(source: Any) -> None:
    _check_keys(source, SOURCE_KEYS, 'source')
    for key, value in source.items():
        if not isinstance(value, str):
            raise ValueError(f'source.{key} must be a text, not {value!r}')
    date = source.get('date', '2000-01-01')
    try:
        # fromisoformat also reads other forms of ISO 8601
        valid = datetime.date.fromisoformat(date).isoformat() == date
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(
            f'source.date must be a day such as 2026-11-21, not {date!r}'
        )


def _check_class(entry: Any, place: str) -> None:
    _check_keys(entry, CLASS_KEYS, place)
    word = entry.get('word', 'any')
    if not _is_text(word):
        raise ValueError(
            f'{place}.word must be a text that is not empty, not {word!r}'
        )
    texts = entry.get('descriptions')
    if not isinstance(texts, list) or not texts:
        raise ValueError(
            f'{place}.descriptions must be a list of texts that is not '
            f'empty, not {texts!r}'
        )
    for i, text in enumerate(texts):
        if not _is_text(text):
            raise ValueError(
                f'{place}.descriptions[{i}] must be a text that is not '
                f'empty, not {text!r}'
            )
    for key in ('against', 'uncut'):
        values = entry.get(key, [None] * len(texts))
        if not isinstance(values, list) or not all(
            value is None or _is_text(value) for value in values
        ):
            raise ValueError(
                f'{place}.{key} must be a list of texts and nulls, not '
                f'{values!r}'
            )
        if len(values) != len(texts):
            raise ValueError(
                f'{place}.{key} has {len(values)} entries for {len(texts)} '
                'descriptions'
            )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
