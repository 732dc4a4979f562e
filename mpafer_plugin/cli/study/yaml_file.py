"""YAML files over ``_base_`` files, read as data."""

import re
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from mpafer_plugin.utils.quoting import quote

MAX_DEPTH = 100
"""Brackets that may be open at a time (ours)."""

MAX_CHARACTERS = 200_000
"""Characters of a file (ours): PyYAML takes up to 4 seconds for them."""

MAX_VALUES = 100_000
"""Values in a file (ours): aliases of aliases multiply without end."""


class _Loader(yaml.SafeLoader):
    """Loader of plain data; PyYAML's lets the last of two equal keys win."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ValueError(
                    f'line {key.start_mark.line + 1}: duplicate key '
                    f'{quote(key.value)}'
                )
            seen.add(str(key.value))
        return node


def read_yaml(path: Path, above: tuple[Path, ...] = ()) -> dict:
    """Read a YAML file over its bases.

    Not by mmengine (0.10.7), which executes Python that the file names.

    Args:
        path (Path): The file.
        above (tuple[Path, ...]): The files whose base it is.

    Returns:
        dict: Its content, without ``_base_``.

    Raises:
        ValueError: If it or a base cannot be read.
    """
    where = f'study file {str(path)!r}'
    if path.resolve() in above:
        raise ValueError(f'{where} is its own base')
    try:
        text = path.read_text(encoding='utf-8')
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f'more than {MAX_CHARACTERS:,} characters')
        _check_nesting(text)
        found = _Loader(text).get_single_data()
    except Exception as error:  # PyYAML raises many types on wrong tags
        reason = str(error) or type(error).__name__
        raise ValueError(f'{where}: {reason[:1000]}') from error
    if not isinstance(found, dict):
        raise ValueError(f'{where} has no keys')
    _check_values(found, where)
    bases = found.pop('_base_', [])
    if isinstance(bases, str):
        bases = [bases]
    if not isinstance(bases, list) or not all(
        isinstance(name, str) for name in bases
    ):
        raise ValueError(
            f'{where}: _base_={quote(bases)} is no file or list of files'
        )
    merged: dict = {}
    try:
        for name in bases:
            base = Path(Config._get_cfg_path(name, str(path))[0])
            inner = read_yaml(base, (*above, path.resolve()))
            merged = Config._merge_a_into_b(inner, merged)
        return Config._merge_a_into_b(found, merged)
    except (TypeError, KeyError, ImportError, FileNotFoundError) as error:
        raise ValueError(
            f'{where} does not go with its bases {quote(bases)}: {error}'
        ) from error


def _check_nesting(text: str) -> None:
    """Check nesting, whose square PyYAML's time grows with."""
    depth = 0
    for sign in re.findall(r'[][{}]', text):
        depth += 1 if sign in '[{' else -1
        if depth > MAX_DEPTH:
            raise ValueError(f'more than {MAX_DEPTH} brackets are open')


def _check_values(content: dict, where: str) -> None:
    """Check number and texts of all values, at any depth."""
    values: list[Any] = [content]
    number = 0
    while values:
        number += 1
        value = values.pop()
        if number > MAX_VALUES:
            raise ValueError(
                f'{where} has more than {MAX_VALUES:,} values, aliases '
                'written out'
            )
        if isinstance(value, dict):
            values += [*value, *value.values()]
        elif isinstance(value, (list, tuple, set)):
            values += value
        elif isinstance(value, str) and not value.isprintable():
            raise ValueError(
                f'{where}: {quote(value)} has characters that cannot be '
                'written'
            )
