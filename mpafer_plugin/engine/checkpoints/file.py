"""Checkpoint files: written atomically, verified and read as data."""

import hashlib
import os
import re
import zipfile
from pathlib import Path, PureWindowsPath
from typing import Any

import torch
from torch import nn

from mpafer_plugin.utils.quoting import quote
from mpafer_plugin.utils.tensor_files import (
    load_tensors,
    misfit,
    reading,
    unwrap_names,
)

_MARK = b'sha256:'


def publish(part: Path, path: Path) -> None:
    """Add a digest to a finished file, then rename it into place.

    Whenever the process or the machine stops, ``path`` is the old file or the
    new one: the new file is synced to the disk before it is renamed. The
    digest is the comment of the zip archive that a checkpoint is, which other
    programs ignore.

    Args:
        part (Path): Output of ``torch.save``, in the folder of ``path``.
        path (Path): The final name.
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
    """Return why a checkpoint is damaged, or '' if it is intact.

    A file without a digest, from an older version or another program, is only
    checked to be an archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            comment = archive.comment
        if not comment.startswith(_MARK):
            return ''
        content = path.read_bytes()[: -len(comment) - 2] + b'\0\0'
    except Exception as error:  # of any kind, UnicodeDecodeError for one
        return f'{type(error).__name__}: {error}'
    found = hashlib.sha256(content).hexdigest()
    stated = comment.removeprefix(_MARK).decode('ascii', 'replace')
    if found != stated:
        return f'its SHA-256 is {found}, it was written with {stated}'
    return ''


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint as data; nothing in it is executed.

    Args:
        path (str | Path): A file with a ``state_dict``, whose names may have
            the prefixes of DDP and ``torch.compile``.

    Returns:
        dict[str, Any]: Its content, with the names of a bare model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, holds code, takes more memory than the
            file, or is not a checkpoint.
    """
    path = Path(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'no checkpoint {str(path)!r} (working directory: {os.getcwd()!r})'
        )
    reason = damage(path)
    if reason:
        raise ValueError(f'checkpoint {str(path)!r} is damaged: {reason}')
    content = load_tensors(path)
    if not isinstance(content, dict) or 'state_dict' not in content:
        raise ValueError(f'{str(path)!r} is not a checkpoint: no state_dict')
    tensors, meta = content['state_dict'], content.setdefault('meta', {})
    problem = ''
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor)
        for name, value in tensors.items()
    ):
        problem = f'state_dict={quote(tensors)} is not a dict of tensors'
    elif not isinstance(meta, dict):
        problem = f'meta={quote(meta)} is not a dict'
    elif not isinstance(meta.get('dataset_meta', {}), (dict, type(None))):
        found = quote(meta['dataset_meta'])
        problem = f'meta.dataset_meta={found} is not a dict'
    if problem:
        raise ValueError(f'checkpoint {str(path)!r} is malformed: {problem}')
    with reading(path, 'a checkpoint'):
        unwrap_names(tensors)
    return content


def file_name(path: str) -> str:
    """Return the name of a file without its folder, which is private."""
    return PureWindowsPath(path).name  # of POSIX paths too


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value read from a file is of a kind.

    Args:
        value (Any): The value.
        kind (Any): A type, ``[kind]`` for a list, a dict of kinds for a dict
            with at least these keys, or a function that decides.
    """
    if isinstance(kind, type):
        return isinstance(value, kind)
    if isinstance(kind, list):
        return isinstance(value, list) and all(fits(x, kind[0]) for x in value)
    if isinstance(kind, dict):
        return isinstance(value, dict) and all(
            fits(value.get(name), kind[name]) for name in kind
        )
    return bool(kind(value))


def check_tensors(state_dict: dict, model: nn.Module) -> None:
    """Check that tensors are those that a model saves, and finite.

    Raises:
        ValueError: If names or shapes differ, or a value is not finite.
    """
    problem = misfit(state_dict, model.state_dict())
    if problem:
        raise ValueError(f'the checkpoint does not fit the model; {problem}')


def numbered(folder: Path, template: str) -> list[tuple[int, Path]]:
    """List the files that match a template such as ``'epoch_{}.pth'``."""
    before, _, after = template.partition('{}')
    pattern = re.compile(rf'{re.escape(before)}(\d+){re.escape(after)}')
    return [
        (int(match[1]), path)
        for path in folder.glob('*')
        if (match := pattern.fullmatch(path.name)) and path.is_file()
    ]


def drop_config_text(checkpoint: dict) -> None:
    """Remove the config text, which mmengine (0.10.7) would execute."""
    checkpoint.get('meta', {}).pop('config', None)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to the disk, where the system can do that."""
    if os.name != 'posix':
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
