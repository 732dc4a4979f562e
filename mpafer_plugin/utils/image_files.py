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
"""File name extensions that datasets listing folders accept as images."""


def is_image(name: str) -> bool:
    """Return whether a file name, in any case, is that of an image.

    Args:
        name (str): The file's name or path.

    Returns:
        bool: True if the extension is one of :data:`IMG_EXTENSIONS` and the
        name does not start with a dot: macOS writes ``._1.jpg`` beside
        ``1.jpg``.
    """
    name = posixpath.basename(name)
    extension = posixpath.splitext(name)[1].lower()
    return extension in IMG_EXTENSIONS and not name.startswith('.')


def list_files(
    root: Path,
    unreadable: dict[str, str],
    folder: str = '',
    above: tuple[str, ...] = (),
) -> Iterator[str]:
    """List all files below a folder, following links.

    Args:
        root (Path): The dataset's folder.
        unreadable (dict[str, str]): Output: folders that cannot be listed,
            with the reason.
        folder (str): Subfolder to list. Defaults to '', the root.
        above (tuple[str, ...]): Real paths of its parent folders, to detect
            cycles. Defaults to ().

    Yields:
        str: Paths relative to the root, with slashes.

    Raises:
        ValueError: If a link leads back to one of its parent folders.
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
