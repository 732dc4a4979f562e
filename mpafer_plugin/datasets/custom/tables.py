"""Tables: CSV with any separator, JSON lines, Parquet."""

import json
import posixpath
from collections.abc import Iterator
from typing import Any

from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.numbers import is_number
from mpafer_plugin.utils.quoting import quote

from ..data_root import DataRoot
from .split_folders import split_folders

_JSON_LINES = ('.jsonl', '.ndjson')
_PARQUET = '.parquet'

_NO_TABLES = ('.json', '.xlsx', '.xls', '.ods')


def is_hugging_face(listed: str) -> bool:
    """Return whether a table is that of a Hugging Face image folder."""
    return posixpath.splitext(listed)[0] == 'metadata'


def find_tables(root: DataRoot, listed: str) -> dict[str, str]:
    """Find the tables of a data root.

    Args:
        root (DataRoot): The folder of the dataset.
        listed (str): The table in it; that of a Hugging Face image folder
            may be in the folders of its splits instead.

    Returns:
        dict[str, str]: Table to the part that it lists, '' for all.

    Raises:
        FileNotFoundError: If there is none.
    """
    if root.is_file(listed):
        return {listed: ''}
    folders = split_folders(root) if is_hugging_face(listed) else {}
    tables = {f'{name}/{listed}': part for part, name in folders.items()}
    found = {t: part for t, part in tables.items() if root.is_file(t)}
    if not found:
        raise FileNotFoundError(
            f'no file {root.join(listed)!r}; ann_file={listed!r} is relative '
            f'to data_root, and {root.describe()}'
        )
    return found


def table_rows(
    root: DataRoot, name: str, delimiter: str | None = None
) -> Iterator[tuple[int, list[Any]]]:
    """Read a table by its extension: JSON lines, Parquet, or else CSV.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): The table in it.
        delimiter (str, optional): Separator of a CSV file. Defaults to None,
            which means by its first line, see :meth:`DataRoot.rows`.

    Yields:
        tuple[int, list[Any]]: Line (of Parquet, row) from 1 and fields, first
        those of the header. They are texts, '' for an absent value or null;
        what is no text, number or truth value stays as it is.

    Raises:
        ValueError: If the file cannot be read, or is of another kind.
        ModuleNotFoundError: If it is Parquet and pyarrow is not installed.
    """
    kind = posixpath.splitext(name)[1].lower()
    if kind in _JSON_LINES:
        yield from _records(_json_lines(root, name))
    elif kind == _PARQUET:
        yield from _records(_parquet(root, name))
    elif kind in _NO_TABLES:
        raise ValueError(
            f'{root.join(name)}: {kind} files are not read; save it as CSV, '
            f'as {_JSON_LINES[0]} with an object a line, or as {_PARQUET}'
        )
    else:
        yield from root.rows(name, delimiter)


def _records(
    records: list[tuple[int, dict[str, Any]]],
) -> Iterator[tuple[int, list[Any]]]:
    """Arrange records in the columns of all of them."""
    keys = list(dict.fromkeys(key for _, record in records for key in record))
    yield 1, keys
    for number, record in records:
        yield number, [_cell(record.get(key)) for key in keys]


def _cell(value: Any) -> Any:
    """Return a value as CSV would have it; itself if CSV has no such one."""
    if value is None:
        return ''
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or is_number(value):
        return json.dumps(value)
    return value


def _json_lines(root: DataRoot, name: str) -> list[tuple[int, dict[str, Any]]]:
    records = []
    for number, line in root.lines(name):
        record = parse_json(line, root.join(name), number)
        if not isinstance(record, dict):
            raise ValueError(
                f'{root.join(name)}:{number}: {quote(line)} is no object '
                'with a value for each column'
            )
        records.append((number, record))
    return records


def _parquet(root: DataRoot, name: str) -> list[tuple[int, dict[str, Any]]]:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{root.join(name)}: Parquet files need pyarrow: pip install '
            "'mpafer_plugin[parquet]'"
        ) from error
    with root.backend.get_local_path(root.join(name)) as local:
        try:
            table = parquet.read_table(local)
            return list(enumerate(table.to_pylist(), 1))
        except Exception as error:  # of many types, on damaged files
            raise ValueError(
                f'{root.join(name)}: {quote(str(error))[1:-1]}'
            ) from error
