import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

IMG_EXTENSIONS = (
    '.jpg',
    '.jpeg',
    '.jpe',
    '.jfif',
    '.png',
    '.bmp',
    '.tif',
    '.tiff',
    '.webp',
    '.pgm',
    '.ppm',
)
"""Extensions of files that are images without a look at their content."""


class ImageError(ValueError):
    """Raised if an image cannot be read; names the image and the reason."""


_LITTER = {
    '__macosx',
    '@eadir',
    '#recycle',
    '@recycle',
    '#snapshot',
    'lost+found',
    '$recycle.bin',
    'system volume information',
    'thumbs.db',
    'desktop.ini',
}


def is_litter(name: str) -> bool:
    """Return whether an operating system puts files of this name anywhere."""
    return name.lower() in _LITTER


def kind_of(entry: os.DirEntry) -> str:
    """Return the kind of a file system entry; links are followed.

    Returns:
        str: 'folder', 'file', or 'other' for a broken link, a pipe and the
        like.
    """
    try:
        if entry.is_dir():
            return 'folder'
        return 'file' if entry.is_file() else 'other'
    except OSError:  # a link to itself
        return 'other'


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


def printable(name: str) -> str:
    """Return a file name for people, with escapes if it is not UTF-8."""
    return name.encode(errors='backslashreplace').decode()


def opencv_path(path: str | Path) -> str:
    """Return a path for OpenCV, which dies of one that is not UTF-8.

    Raises:
        ValueError: If the path is not UTF-8.
    """
    text = str(path)
    if printable(text) != text:
        raise ValueError(
            f'{text!r}: OpenCV opens no file whose path is not UTF-8; rename '
            'it'
        )
    return text


def list_files(
    root: Path,
    unreadable: dict[str, str],
    folder: str = '',
    above: tuple[str, ...] = (),
) -> Iterator[str]:
    """List all files below a folder, following links, without litter.

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
            kinds = {
                entry.name: kind_of(entry)
                for entry in entries
                if not is_litter(entry.name)
            }
    except OSError as error:
        if not folder:
            raise
        unreadable[folder] = str(error)
        return
    for name, kind in sorted(kinds.items()):
        path = f'{folder}/{name}' if folder else name
        if kind == 'folder':
            yield from list_files(root, unreadable, path, (*above, real))
        else:
            yield path
