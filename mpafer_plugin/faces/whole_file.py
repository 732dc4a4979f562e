import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = '.writing'
"""Name, in the root of a folder, of what is not whole yet."""

_OF_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def whole_file(folder: Path, path: str) -> Iterator[Path]:
    """Write a file that is whole or not there at all.

    Args:
        folder (Path): What all is written to; it is there.
        path (str): The file's, relative to it; folders between are made.

    Yields:
        Path: What to write to. It is in the root: the file's own name may be
        as long as names may be.
    """
    part = folder / PART
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def stops_all(error: OSError) -> bool:
    """Whether no other file could be written either, as on a full disk.

    Args:
        error (OSError): What came of writing one.
    """
    return error.errno in _OF_ALL
