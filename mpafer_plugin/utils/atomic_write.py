import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Write a file that is whole, or is what was there before.

    Args:
        path (Path): The file's; folders above are made.
        part (Path, optional): What is written to until it is whole, on the
            same disk. Defaults to None: a name beside the file that no other
            process takes.

    Yields:
        Path: What to write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part or path.with_name(f'{path.name}.{os.getpid()}.part')
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
