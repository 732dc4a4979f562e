"""Image files, read by OpenCV alone."""

import os
from pathlib import Path

import cv2
import numpy as np

from ...utils.image_files import ImageError, is_image, printable


def read_image(path: str | Path) -> np.ndarray:
    """Read an image as :func:`mpafer_plugin.faces.read_image` does.

    The format is detected from the content and the EXIF orientation is
    applied, but for AVIF, where OpenCV ignores it. Values differ by at most 1
    (CMYK, 16 bits).

    Args:
        path (str | Path): A file.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8.

    Raises:
        ImageError: If there is no such file, OpenCV does not know its format,
            or it is damaged.
    """
    try:
        content = np.fromfile(path, np.uint8)  # any file name, unlike imread
        if not content.size:
            raise ImageError(f'{str(path)!r}: the file is empty')
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except OSError as error:
        raise ImageError(f'{str(path)!r}: {error.strerror}') from error
    except cv2.error as error:  # too large
        raise ImageError(f'{str(path)!r}: {error.err}') from error
    if image is None:
        raise ImageError(
            f'{str(path)!r}: OpenCV cannot read it as an image: it is none, '
            'of another format, or damaged'
        )
    return image


def is_image_file(path: str) -> bool:
    """Return whether a file is an image, by its name or else its content.

    Names that start with a dot are no images: see :func:`is_image`.
    """
    if is_image(path):
        return True
    # Reading from a pipe would block for ever.
    hidden = os.path.basename(path).startswith('.') or not os.path.isfile(path)
    # OpenCV dies of a path that is not UTF-8.
    return not hidden and printable(path) == path and cv2.haveImageReader(path)
