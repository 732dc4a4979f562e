import json
from collections.abc import Sequence
from pathlib import Path

from mpafer_plugin.datasets.categories import canonical_name

SCHEMA_VERSION = 1


def read_descriptions(path: Path, classes: Sequence[str]) -> list[list[str]]:
    """Read the descriptions of the classes from a JSON file.

    The format is shown at :func:`mpafer_plugin.prompts.load_hard_prompts`.

    Args:
        path (Path): The file.
        classes (Sequence[str]): Label names; they meet the file's names by
            their canonical form.

    Returns:
        list[list[str]]: The descriptions of each class, one or more.

    Raises:
        ValueError: If the file is malformed or of another schema version, a
            class is unknown to it, or a description is empty.
    """
    text = path.read_text(encoding='utf-8-sig')
    try:
        content = json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path}:{error.lineno}: not valid JSON: {error.msg}'
        ) from error
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path}: must hold a JSON object, not {content!r}')
    version = content.get('schema_version')
    if version != SCHEMA_VERSION:
        raise ValueError(
            f'{path}:{_line_of(text, "schema_version")}: schema_version is '
            f'{version!r}; this version reads {SCHEMA_VERSION}'
        )
    entries = content.get('classes', {})
    by_name: dict[str, str] = {}
    for key in entries:
        if canonical_name(key) in by_name:
            raise ValueError(
                f'{path}:{_line_of(text, key)}: {key!r} and '
                f'{by_name[canonical_name(key)]!r} mean the same class'
            )
        by_name[canonical_name(key)] = key
    result = []
    for name in classes:
        key = by_name.get(canonical_name(name))
        if key is None:
            raise ValueError(
                f'{path} has no class {name!r}; it has {list(entries)}'
            )
        texts = entries[key].get('descriptions')
        if not isinstance(texts, list) or not texts:
            texts = [texts]
        for description in texts:
            if not isinstance(description, str) or not description.strip():
                raise ValueError(
                    f'{path}:{_line_of(text, key)}: class {key!r} has the '
                    f'description {description!r}; "descriptions" must be a '
                    'list of texts that are not empty'
                )
        result.append([description.strip() for description in texts])
    return result


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object, refusing a key that json would overwrite."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'the key {key!r} stands twice in one object')
    return dict(pairs)


def _line_of(text: str, key: str) -> int:
    """Find the line, from 1, where a key first stands in a JSON text."""
    quoted = json.dumps(key, ensure_ascii=False)
    return text[: text.find(quoted) + 1].count('\n') + 1
