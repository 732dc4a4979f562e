"""Numbers in files: what Python counts as one may be a truth value or NaN."""

import math
import sys
from typing import Any, TypeGuard


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a finite number, within float's range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    # Not math.isfinite, which raises for large integers.
    return -sys.float_info.max <= value <= sys.float_info.max


def is_whole(value: Any, least: int = 0, most: int = 2**63 - 1) -> bool:
    """Return whether a value is an integer in a range, no truth value."""
    return type(value) is int and least <= value <= most


def parse_number(text: str) -> float:
    """Parse a number in a file; NaN if it is none, or not finite.

    Python's float would take ``1_000``, too.
    """
    try:
        number = math.nan if '_' in text else float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
