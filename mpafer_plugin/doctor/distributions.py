"""What is installed, read from metadata, however broken it is."""

from __future__ import annotations

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
