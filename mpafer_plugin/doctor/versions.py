"""Versions and ranges, as far as the doctor needs them.

`packaging` would know more, but is not part of the standard library.
"""

from __future__ import annotations

import operator
import re

_COMPARE = {
    '>=': operator.ge,
    '<=': operator.le,
    '>': operator.gt,
    '<': operator.lt,
    '==': operator.eq,
    '!=': operator.ne,
}


def release(version: str) -> tuple[int, ...]:
    """Read the numbers of a version; () if it has none.

    What follows them (``rc1``, ``a0+nv25``, ``+cu132``) does not count: the
    torch builds of vendors are called pre-releases of what they contain.
    Zeros at the end don't either: 2.0 is 2.0.0.
    """
    match = re.match(r'v?(\d+(?:\.\d+)*)', version.strip())
    numbers = [int(part) for part in match[1].split('.')] if match else []
    while numbers and numbers[-1] == 0 and len(numbers) > 1:
        numbers.pop()
    return tuple(numbers)


def fits(version: str | None, wanted: str) -> bool:
    """Whether a version is in a range such as ``'>=0.10.4,<0.11'``.

    What can't be read fits: it is no ground for an alarm.
    """
    if not version or not release(version):
        return True
    return all(
        _fits_one(version, clause) for clause in wanted.split(',') if clause
    )


def _fits_one(version: str, clause: str) -> bool:
    match = re.match(r'\s*(~=|[<>=!]=|[<>])=?\s*([\w.*+!-]+)', clause)
    if not match or not release(match[2]):
        return True
    sign, bound = match.groups()
    if sign == '~=':  # ~=3.9.1 is >=3.9.1,==3.9.*
        prefix = bound.rpartition('.')[0]
        return _fits_one(version, f'>={bound}') and _fits_one(
            version, f'=={prefix}.*'
        )
    have, want = release(version), release(bound)
    if bound.endswith('.*'):
        want = tuple(int(part) for part in bound[:-2].split('.'))
        have = (have + (0,) * len(want))[: len(want)]
    return bool(_COMPARE[sign](have, want))
