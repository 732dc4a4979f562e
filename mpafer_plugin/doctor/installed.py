"""What is installed, read from metadata, however broken it is."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """An installed distribution.

    Args:
        name (str): Its name, as it spells it.
        version (str | None): None where its metadata does not tell.
        requires (tuple[str, ...]): Its Requires-Dist lines.
        complete (bool): Whether its metadata can be read.
    """

    name: str
    version: str | None
    requires: tuple[str, ...] = ()
    complete: bool = True

    def __str__(self) -> str:
        return f'{self.name} {self.version or "(unknown version)"}'


def normalised(name: str) -> str:
    """Spell the name of a distribution as pip compares it."""
    return re.sub('[-_.]+', '-', name).lower()


def installed(path: Sequence[str]) -> dict[str, Package]:
    """Find distributions, by normalised name, in the order of Python.

    Of several in one folder a complete one is taken.
    """
    found: dict[str, Package] = {}
    for folder in path:
        try:
            entries = sorted(os.listdir(folder or '.'))
        except OSError:  # a zip archive, or nothing
            continue
        for entry in entries:
            # pip renames to ~ what it is about to remove.
            if entry.endswith(('.dist-info', '.egg-info')) and (
                entry[0] not in '~-'
            ):
                package = _read(Path(folder) / entry)
                name = normalised(package.name)
                other = found.setdefault(name, package)
                if not other.complete and package.complete:
                    found[name] = package
    return found


def read_text(path: Path) -> str:
    """Read a file, whatever it holds; '' if there is none."""
    try:
        return path.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''


def _read(path: Path) -> Package:
    """Read a folder ``NAME-VERSION.dist-info``, however broken it is.

    Not by importlib.metadata: for a folder without METADATA it answers with
    None, KeyError or TypeError, by version of Python.
    """
    text = (
        read_text(path / 'METADATA')
        or read_text(path / 'PKG-INFO')
        or read_text(path)
    )
    metadata = HeaderParser().parsestr(text)
    name, _, version = path.stem.partition('-')
    complete = bool(metadata['Name'] and metadata['Version'])
    return Package(
        name=metadata['Name'] or name,
        version=metadata['Version'] or version.partition('-')[0] or None,
        requires=tuple(metadata.get_all('Requires-Dist') or ()),
        complete=complete,
    )


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

    What cannot be read fits: it is no ground for an alarm.
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
