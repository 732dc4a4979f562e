"""Files inside zip and tar archives, as a file backend of mmengine."""

import io
import os
import posixpath
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmengine.fileio import BaseStorageBackend, register_backend

from mpafer_plugin.utils.quoting import quote

PREFIX = 'archive://'
ENDINGS = ('.zip', '.tar')


LARGEST = 2**30
"""Bytes of a file in an archive (ours): a damaged one may state any number."""


class _Archive:
    """One archive, whose members are read in any order, by many threads.

    Raises:
        ValueError: If the file is not such an archive, or a name in it leads
            out of it or is that of a file and of a folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: zipfile.ZipFile | tarfile.TarFile
        try:
            if path.lower().endswith('.zip'):
                self._file = zipfile.ZipFile(path)
                infos: list[Any] = [*self._file.infolist()]
                named = {m.filename: m for m in infos if not m.is_dir()}
            else:
                # Without compression, as others can only be read in order.
                self._file = tarfile.open(path, 'r:')  # noqa: SIM115
                named = {m.name: m for m in self._file if not m.isdir()}
        except Exception as error:  # both raise many types on damaged files
            raise ValueError(
                f'{path!r} cannot be read: {_reason(error)}; archives are '
                '.zip, and .tar without compression'
            ) from error
        # By the entry, as tarfile searches all of them for a name.
        self.members = {posixpath.normpath(n): m for n, m in named.items()}
        self.folders: dict[str, dict[str, str]] = {'': {}}
        for name in self.members:
            if name.split('/')[0] in ('', '.', '..'):
                raise ValueError(
                    f'{path!r}: the name {quote(name)} in it leads out of it'
                )
            kind = 'file'
            while name:
                folder, entry = posixpath.split(name)
                self.folders.setdefault(folder, {})[entry] = kind
                name, kind = folder, 'folder'
        for name in self.folders.keys() & self.members.keys():
            raise ValueError(f'{path!r}: {quote(name)} is a file and a folder')

    def read(self, name: str) -> bytes:
        """Read a member; raises ValueError if it is damaged."""
        member = self.members[name]
        try:
            with self._lock:
                if isinstance(self._file, zipfile.ZipFile):
                    self._check_size(member.file_size)
                    return self._file.read(member)
                self._check_size(member.size)
                file = self._file.extractfile(member)  # follows links
                if file is None:
                    raise ValueError('it is no file')
                return file.read()
        except Exception as error:  # zlib, lzma, zipfile, tarfile, ...
            raise ValueError(
                f'{self._path!r}: {name!r} in it cannot be read: '
                f'{_reason(error)}'
            ) from error

    @staticmethod
    def _check_size(size: int) -> None:
        if size > LARGEST:
            raise ValueError(f'{size:,} bytes, more than {LARGEST:,}')


def _reason(error: Exception) -> str:
    return f'{error}' or type(error).__name__


@lru_cache(maxsize=8)
def _open(path: str, state: tuple, process: int) -> _Archive:
    """Open an archive once a process: forks would share its position."""
    return _Archive(path)


@register_backend('archive', force=True, prefixes='archive')
class ArchiveBackend(BaseStorageBackend):
    """Backend by which an archive is a folder.

    A path is ``archive://`` and a local path, in which each ``.zip`` or
    ``.tar`` file counts as a folder: ``archive://data/faces.zip/1.jpg``.
    ``LoadImageFromFile`` finds the backend by the prefix, so that a
    ``data_root`` is all that it takes. Read-only.

    Examples:
        >>> from mmengine.fileio import get
        >>> content = get('archive://data/faces.zip/train/1.jpg')
    """

    def get(self, filepath: str | Path) -> bytes:
        """Read a file.

        Raises:
            FileNotFoundError: If it does not exist.
        """
        archive, name = self._find(str(filepath))
        if archive is None:
            return Path(name).read_bytes()
        if name not in archive.members:
            raise FileNotFoundError(f'no file {str(filepath)!r}')
        return archive.read(name)

    def get_text(self, filepath: str | Path, encoding: str = 'utf-8') -> str:
        """Read a text file."""
        return io.TextIOWrapper(
            io.BytesIO(self.get(filepath)), encoding=encoding
        ).read()

    def isfile(self, filepath: str) -> bool:
        """Return whether a file exists."""
        archive, name = self._find(filepath)
        if archive is None:
            return os.path.isfile(name)
        return name in archive.members

    def isdir(self, filepath: str) -> bool:
        """Return whether a folder or archive exists."""
        archive, name = self._find(filepath)
        if archive is None:
            return os.path.isdir(name)
        return name in archive.folders

    def join_path(self, filepath: str, *filepaths: str) -> str:
        """Join parts of a path."""
        return posixpath.join(filepath, *filepaths)

    @contextmanager
    def get_local_path(self, filepath: str) -> Iterator[str]:
        """Write a file to a temporary one."""
        suffix = posixpath.splitext(filepath)[1]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f'file{suffix}')
            path.write_bytes(self.get(filepath))
            yield str(path)

    def list_dir_or_file(
        self, dir_path: str, list_dir: bool = True, list_file: bool = True
    ) -> Iterator[str]:
        """List the names in a folder."""
        archive, name = self._find(dir_path)
        if archive is not None:
            entries = archive.folders[name]
        else:
            with os.scandir(name) as scanned:
                entries = {
                    e.name: 'folder'
                    if e.is_dir() or e.name.lower().endswith(ENDINGS)
                    else 'file'
                    for e in scanned
                }
        for entry, kind in entries.items():
            if (list_dir and kind == 'folder') or (
                list_file and kind == 'file'
            ):
                yield entry

    @staticmethod
    def _find(path: str) -> tuple[_Archive | None, str]:
        """Split a path into its archive, if it is in one, and the rest."""
        local = os.path.expanduser(path.removeprefix(PREFIX))
        parts = local.split('/')
        for number, part in enumerate(parts, 1):
            outer = '/'.join(parts[:number])
            if part.lower().endswith(ENDINGS) and os.path.isfile(outer):
                stat = os.stat(outer)
                state = stat.st_size, stat.st_mtime_ns
                inner = posixpath.normpath('/'.join(parts[number:]))
                archive = _open(outer, state, os.getpid())
                return archive, '' if inner == '.' else inner
        return None, local
