import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Write a file completely, or leave the previous one untouched.

    Args:
        path (Path): The file; missing parent folders are created.
        part (Path, optional): Temporary file on the same disk, renamed to
            ``path`` at the end. Defaults to None: a name beside ``path``
            that is unique to this process.

    Yields:
        Path: The temporary file to write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part or path.with_name(f'{path.name}.{os.getpid()}.part')
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
