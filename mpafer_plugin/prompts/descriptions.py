"""Descriptions of classes in a JSON file: the format and its checks."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mpafer_plugin.datasets.categories import canonical_name
from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.quoting import quote

SCHEMA_VERSION = 1

FILE_KEYS = ('schema_version', 'source', 'classes')
SOURCE_KEYS = ('model', 'question', 'contrast_question', 'form', 'date')
CLASS_KEYS = ('word', 'descriptions', 'against', 'uncut')


def load_descriptions(path: Path) -> dict:
    """Load a file of descriptions and check that it is in the format.

    :func:`mpafer_plugin.prompts.load_hard_prompts` shows the format.

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
        ValueError: See :func:`parse_json`; or if it is not an object.
    """
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict):
        raise ValueError(
            f'{path}: must hold a JSON object, not {quote(content)}'
        )
    return content


def _check_file(content: dict) -> None:
    version = content.get('schema_version')
    # True == 1 in Python
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ValueError(
            f'schema_version is {quote(version)}; this version reads '
            f'{SCHEMA_VERSION}'
        )
    check_keys(content, FILE_KEYS)
    source = content.get('source', {})
    check_keys(source, SOURCE_KEYS, 'source')
    for key, value in source.items():
        check(isinstance(value, str), f'source.{key}', 'a text', value)
    if 'date' in source:
        check(
            re.fullmatch(r'[0-9]{4}-[0-9]{2}-[0-9]{2}', source['date']),
            'source.date',
            'a day such as 2026-11-21',
            source['date'],
        )
    if 'classes' not in content:
        raise ValueError('"classes" is missing')
    classes = content['classes']
    check(isinstance(classes, dict), 'classes', 'an object', classes)
    by_name: dict[str, str] = {}
    for name in classes:
        other = by_name.setdefault(canonical_name(name), name)
        if other != name:
            raise ValueError(
                f'classes: {quote(name)} and {quote(other)} mean the same '
                'class'
            )
    for name, entry in classes.items():
        _check_class(entry, f'classes[{quote(name)}]')


def _check_class(entry: Any, place: str) -> None:
    check_keys(entry, CLASS_KEYS, place)
    if 'word' in entry:
        check_text(entry['word'], f'{place}.word')
    texts = entry.get('descriptions')
    check(
        isinstance(texts, list) and texts,
        f'{place}.descriptions',
        'a list of texts that is not empty',
        texts,
    )
    for i, text in enumerate(texts):
        check_text(text, f'{place}.descriptions[{i}]')
    for key in ('against', 'uncut'):
        values = entry.get(key, [None] * len(texts))
        check(
            isinstance(values, list)
            and all(value is None or _is_text(value) for value in values),
            f'{place}.{key}',
            'a list of texts and nulls',
            values,
        )
        if len(values) != len(texts):
            raise ValueError(
                f'{place}.{key} has {len(values)} entries for {len(texts)} '
                'descriptions'
            )


def check_keys(value: Any, allowed: Iterable[str], place: str = '') -> None:
    """Check that a value is an object without other keys."""
    check(isinstance(value, dict), place, 'an object', value)
    for key in value:
        if key not in allowed:
            raise ValueError(
                f'{place + ": " if place else ""}unknown key {quote(key)}; '
                f'allowed are {list(allowed)}'
            )


def check_text(value: Any, place: str) -> None:
    """Check that a value is a text that is not empty."""
    check(_is_text(value), place, 'a text that is not empty', value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def check(valid: Any, place: str, kind: str, value: Any) -> None:
    """Raise with the JSON path, the kind of value it takes and the value."""
    if not valid:
        raise ValueError(f'{place} must be {kind}, not {quote(value)}')
