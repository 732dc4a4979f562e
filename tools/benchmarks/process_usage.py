import os
from pathlib import Path
from typing import NamedTuple

PROC = Path('/proc')


class Usage(NamedTuple):
    """What a process and those that it started use, and a folder holds.

    Args:
        rss_mb (float): Resident memory of the process, in 2**20 bytes. With
            pages of libraries, which the kernel takes back if it needs room.
        own_mb (float): Of these what the process has allocated.
        workers_mb (float): What its children have, together; what they share
            with it is counted again.
        files (int): Open files of all.
        threads (int): Threads of all.
        folder_files (int): Files in the folder.
        folder_mb (float): Their size, in 2**20 bytes.
    """

    rss_mb: float
    own_mb: float
    workers_mb: float
    files: int
    threads: int
    folder_files: int = 0
    folder_mb: float = 0.0


def usage_of(pid: int, folder: Path | None = None) -> Usage:
    """Measure a process, as Linux states it in ``/proc``.

    Args:
        pid (int): The process.
        folder (Path, optional): A folder to measure. Defaults to None.

    Raises:
        OSError: If the process has ended, or this is not Linux.
    """
    status = _status(pid)
    rss, own = _megabytes(status, 'VmRSS'), _megabytes(status, 'RssAnon')
    workers, threads = 0.0, int(status['Threads'])
    files = _open_files(pid)
    for child in _children(pid):
        try:  # it may end meanwhile
            status = _status(child)
            workers += _megabytes(status, 'RssAnon')
            threads += int(status['Threads'])
            files += _open_files(child)
        except OSError:
            continue
    sizes = []
    if folder is not None:
        for path in folder.rglob('*'):
            try:
                if path.is_file():
                    sizes.append(path.stat().st_size)
            except OSError:  # removed meanwhile
                continue
    return Usage(
        rss,
        own,
        workers,
        files,
        threads,
        len(sizes),
        round(sum(sizes) / 2**20, 3),
    )


def _status(pid: int) -> dict[str, str]:
    lines = (PROC / str(pid) / 'status').read_text().splitlines()
    pairs = [line.split(':', 1) for line in lines]
    return {name: value.strip() for name, value in pairs}


def _megabytes(status: dict[str, str], name: str) -> float:
    if name not in status:
        raise ProcessLookupError('the process has ended')
    return round(int(status[name].split()[0]) / 1024, 2)  # stated in kB


def _open_files(pid: int) -> int:
    return len(os.listdir(PROC / str(pid) / 'fd'))


def _children(pid: int) -> list[int]:
    """List the processes that a process has started, in any thread."""
    tasks = (PROC / str(pid) / 'task').glob('*/children')
    return [int(child) for task in tasks for child in task.read_text().split()]
