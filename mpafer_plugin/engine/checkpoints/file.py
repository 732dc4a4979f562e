"""Checkpoint files that are whole or not there at all."""

import hashlib
import os
import re
import zipfile
from pathlib import Path

_MARK = b'sha256:'


def publish(part: Path, path: Path) -> None:
    """Give a finished file its digest and its name, in this order.

    What is at ``path`` afterwards is the old file or the new one, whenever
    the process or the machine stops: the new one is on the disk before it
    gets the name. The digest stands in the comment of the zip archive that
    a checkpoint is; whoever does not look for it reads the file as ever.

    Args:
        part (Path): What ``torch.save`` wrote, in the folder of ``path``.
        path (Path): The name that it gets.
    """
    content = part.read_bytes()
    digest = _MARK + hashlib.sha256(content).hexdigest().encode()
    with part.open('r+b') as file:
        file.seek(-2, os.SEEK_END)  # the length of the comment, 0 so far
        file.write(len(digest).to_bytes(2, 'little') + digest)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    sync_folder(path.parent)


def damage(path: Path) -> str:
    """Say what is wrong with a checkpoint; '' if it is as it was written.

    A file without a digest, of an older version or of another program, can
    only be looked at as an archive.

    Args:
        path (Path): The file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            comment = archive.comment
        if not comment.startswith(_MARK):
            return ''
        content = path.read_bytes()[: -len(comment) - 2] + b'\0\0'
    except (OSError, zipfile.BadZipFile) as error:
        return f'{type(error).__name__}: {error}'
    found = hashlib.sha256(content).hexdigest()
    stated = comment.removeprefix(_MARK).decode('ascii', 'replace')
    if found != stated:
        return f'its SHA-256 is {found}, it was written with {stated}'
    return ''


def numbered(folder: Path, template: str) -> list[tuple[int, Path]]:
    """List the files that a template such as ``'epoch_{}.pth'`` names."""
    before, _, after = template.partition('{}')
    pattern = re.compile(rf'{re.escape(before)}(\d+){re.escape(after)}')
    return [
        (int(match[1]), path)
        for path in folder.glob('*')
        if (match := pattern.fullmatch(path.name))
    ]


def drop_config_text(checkpoint: dict) -> None:
    """Take out of a checkpoint what mmengine (0.10.7) would execute."""
    checkpoint.get('meta', {}).pop('config', None)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where systems can do that."""
    if os.name != 'posix':
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
