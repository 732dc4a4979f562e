"""JSON of any origin, with one kind of error."""

import json
import re
from typing import Any

from .quoting import quote

_SURROGATE = re.compile(r'\\u[dD][89a-fA-F]')


def parse_json(text: str | bytes, where: str, line: int | None = None) -> Any:
    """Parse JSON, and refuse what Python's json would let pass.

    Numbers may be NaN or infinite, as Python writes them.

    Args:
        text (str | bytes): The text; bytes are UTF-8, with or without a BOM.
        where (str): The file, for the error.
        line (int, optional): The line in it, if it is one of many. Defaults
            to None.

    Returns:
        Any: The value.

    Raises:
        ValueError: If it is not JSON, nested too deep, has a key twice in one
            object, or a text with half a surrogate pair, which no file can
            hold.
    """
    place = where if line is None else f'{where}:{line}'
    try:
        if isinstance(text, bytes):
            text = text.decode('utf-8-sig')
        value = json.loads(text, object_pairs_hook=_unique_keys)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{where}:{line or error.lineno}: not valid JSON: {error.msg}'
        ) from error
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise ValueError(
            f'{place}: {half!r} is half a surrogate pair'
        ) from error
    except RecursionError as error:
        raise ValueError(f'{place}: its JSON is nested too deep') from error
    except ValueError as error:  # not UTF-8, a key twice, too many digits
        raise ValueError(f'{place}: {error}') from error
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; json alone would let the last of two keys win."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'duplicate key {quote(key)} in one object')
        found[key] = value
    return found
