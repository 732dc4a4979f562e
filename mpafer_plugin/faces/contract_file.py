"""The file of a crop contract, which one run at a time holds."""

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from mmengine.logging import MMLogger

from mpafer_plugin.datasets.face_crop import CONTRACT

from .face_crop import FaceCrop
from .writing import PART

if sys.platform != 'win32':
    import fcntl


def hold_contract(folder: Path, crop: FaceCrop) -> BinaryIO:
    """Begin a folder of crops, or go on in it, while no other run does.

    Two runs would write to the same :data:`PART`, and one's crop could get
    the other's name.

    Args:
        folder (Path): The crops' folder; made if it is not there.
        crop (FaceCrop): The contract, written to ``crop.json``.

    Returns:
        BinaryIO: That file; closed, or when the process ends, another run may
        go on.

    Raises:
        ValueError: If the folder holds crops of another contract or something
            else, or another run is at work there.
    """
    names = set(os.listdir(folder)) if folder.is_dir() else set()
    if CONTRACT not in names and names - {PART}:
        raise ValueError(
            f'{folder} is not empty, and has no {CONTRACT}: it holds '
            'something else than crops'
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Never renamed, and so the same file for all runs; network disks lock
    # only what may be written to.
    file = (folder / CONTRACT).open('a+b', buffering=0)
    try:
        _lock(file, folder)
        _agree(file, folder, crop.to_dict())
    except BaseException:
        file.close()
        raise
    return file


def _lock(file: BinaryIO, folder: Path) -> None:
    if sys.platform == 'win32':
        return  # it has none of this kind
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ValueError(
            f'{folder}: another run makes crops there; wait for its end, or '
            'stop it, and the same command goes on'
        ) from error
    except OSError as error:
        MMLogger.get_current_instance().warning(
            f'{folder}: this disk has no locks ({error}): let no other run '
            'make crops there at the same time'
        )


def _agree(file: BinaryIO, folder: Path, own: dict) -> None:
    """Write the contract to a file that is new; else compare."""
    path = folder / CONTRACT
    file.seek(0)
    content = file.read()
    # Empty is what a kill leaves at the very beginning, too.
    if not content and not set(os.listdir(folder)) - {CONTRACT, PART}:
        file.write((json.dumps(own, indent=2) + '\n').encode())
        return
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ValueError(f'{path}: no JSON: {error}') from error
    if found != own:
        raise ValueError(
            f'{path}: the crops there were made with '
            f'{_differences(found, own)}; make the others in another folder, '
            'or remove this one'
        )


def _differences(found: object, own: dict) -> str:
    if not isinstance(found, dict):
        return repr(found)
    return ', '.join(
        f'{key}={found.get(key)!r}, not {own.get(key)!r}'
        for key in sorted(found.keys() | own.keys())
        if found.get(key) != own.get(key)
    )
