import posixpath

PICTURE_ENDINGS = (
    '.jpg',
    '.jpeg',
    '.png',
    '.bmp',
    '.tif',
    '.tiff',
    '.webp',
)
"""Endings of the files that readers which list folders take as pictures."""


def is_picture(name: str) -> bool:
    """Tell by its name, in whatever case, whether a file is a picture.

    Args:
        name (str): The file's name or path.

    Returns:
        bool: Whether the ending is one of :data:`PICTURE_ENDINGS`, and the
        name doesn't start with a dot: macOS writes ``._1.jpg`` beside
        ``1.jpg``.
    """
    name = posixpath.basename(name)
    ending = posixpath.splitext(name)[1].lower()
    return ending in PICTURE_ENDINGS and not name.startswith('.')
