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

from mmengine.fileio import BaseStorageBackend, register_backend

PREFIX = 'archive://'
ENDINGS = ('.zip', '.tar')


class _Archive:
    """One archive, whose members are read in any order, by many threads.

    Raises:
        ValueError: If the file is not such an archive.
    """

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._file: zipfile.ZipFile | tarfile.TarFile
        try:
            if path.lower().endswith('.zip'):
                self._file = zipfile.ZipFile(path)
                names = self._file.namelist()
            else:
                # Without compression, as others can only be read in order.
                self._file = tarfile.open(path, 'r:')  # noqa: SIM115
                names = [m.name for m in self._file if m.isfile()]
        except (zipfile.BadZipFile, tarfile.TarError) as error:
            raise ValueError(
                f'{path!r} cannot be read: {error}; archives are .zip, and '
                '.tar without compression'
            ) from error
        self.members = {
            posixpath.normpath(n): n for n in names if not n.endswith('/')
        }
        self.folders: dict[str, dict[str, str]] = {'': {}}
        for name in self.members:
            kind = 'file'
            while name:
                folder, entry = posixpath.split(name)
                self.folders.setdefault(folder, {})[entry] = kind
                name, kind = folder, 'folder'

    def read(self, name: str) -> bytes:
        with self._lock:
            if isinstance(self._file, zipfile.ZipFile):
                return self._file.read(self.members[name])
            file = self._file.extractfile(self.members[name])
            assert file is not None  # only files are members
            return file.read()


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
