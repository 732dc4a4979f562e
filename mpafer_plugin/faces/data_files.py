"""The files of a data set: those that are there, and copies of some."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mpafer_plugin.datasets.picture_endings import PICTURE_ENDINGS
from mpafer_plugin.whole_file import whole_file

from .picture import is_readable_kind
from .writing import PART, stops_all


def list_files(
    root: Path,
    unreadable: dict[str, str],
    folder: str = '',
    above: tuple[str, ...] = (),
) -> Iterator[str]:
    """List all files below a folder; links are followed.

    Args:
        root (Path): The data set's folder.
        unreadable (dict[str, str]): Filled while listing: the folders that
            can not be listed, and why.
        folder (str): Where to list. Defaults to '', the root.
        above (tuple[str, ...]): Folders around it. Defaults to ().

    Yields:
        str: Paths relative to the root, with slashes.

    Raises:
        ValueError: If a link leads back to a folder that holds it.
        OSError: If the root can not be listed.
    """
    real = os.path.realpath(root / folder)
    if real in above:
        raise ValueError(
            f'{root / folder}: the link leads back to {real!r}, which holds it'
        )
    try:
        with os.scandir(root / folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        if not folder:
            raise
        unreadable[folder] = str(error)
        return
    for name in names:
        path = f'{folder}/{name}' if folder else name
        # Not the entry's own is_dir(): it raises for a link to itself.
        if os.path.isdir(root / path):
            yield from list_files(root, unreadable, path, (*above, real))
        else:
            yield path


def copy_file(source: Path, target: Path, path: str) -> str:
    """Copy a file that is no picture and is not there yet.

    Args:
        source (Path): The data set's folder.
        target (Path): The folder of the copy.
        path (str): The file's, relative to both.

    Returns:
        str: Why it is not copied, or ''.

    Raises:
        OSError: If nothing can be written to the target.
    """
    if os.path.lexists(target / path):
        return ''
    file = source / path
    # Reading from a pipe would wait for ever.
    if not os.path.isfile(file):
        return f'{str(file)!r}: a broken link, a pipe, or out of reach'
    # Else a list of labels could bring it, uncropped, among crops.
    if is_readable_kind(file):
        return (
            f'{str(file)!r}: a picture by its content, but only '
            f'{", ".join(PICTURE_ENDINGS)} are cropped, and names that start '
            'with a dot are not: store it as one of them, and rename it in '
            'lists'
        )
    try:
        with whole_file(target / path, target / PART) as part:
            shutil.copy2(file, part)
    except OSError as error:
        if stops_all(error):
            raise
        return str(error)
    return ''
