import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

IMG_EXTENSIONS = (
    '.jpg',
    '.jpeg',
    '.png',
    '.bmp',
    '.tif',
    '.tiff',
    '.webp',
)
"""Endings of the files that readers which list folders take as images."""


def is_image(name: str) -> bool:
    """Tell by its name, in whatever case, whether a file is an image.

    Args:
        name (str): The file's name or path.

    Returns:
        bool: Whether the ending is one of :data:`IMG_EXTENSIONS`, and the
        name doesn't start with a dot: macOS writes ``._1.jpg`` beside
        ``1.jpg``.
    """
    name = posixpath.basename(name)
    ending = posixpath.splitext(name)[1].lower()
    return ending in IMG_EXTENSIONS and not name.startswith('.')


def list_files(
    root: Path,
    unreadable: dict[str, str],
    folder: str = '',
    above: tuple[str, ...] = (),
) -> Iterator[str]:
    """List all files below a folder; links are followed.

    Args:
        root (Path): The dataset's folder.
        unreadable (dict[str, str]): Filled while listing: the folders that
            cannot be listed, and why.
        folder (str): Where to list. Defaults to '', the root.
        above (tuple[str, ...]): Folders around it. Defaults to ().

    Yields:
        str: Paths relative to the root, with slashes.

    Raises:
        ValueError: If a link leads back to a folder that holds it.
        OSError: If the root cannot be listed.
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
