import json
from collections.abc import Sequence

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
