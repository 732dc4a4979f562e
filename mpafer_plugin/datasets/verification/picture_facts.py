import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from .duplicates import picture_digest


class PictureFacts(NamedTuple):
    """What is kept of a picture that was decoded.

    Args:
        digest (str): Stands for its pixels, see :func:`picture_digest`.
        width (int): In pixels.
        height (int): In pixels.
        grey (bool): Whether it has one channel, or three equal ones.
    """

    digest: str
    width: int
    height: int
    grey: bool


def picture_facts(data: bytes) -> PictureFacts:
    """Decode a picture whole, and say what it is.

    It is decoded as training does it, by OpenCV into three channels. Some
    versions of OpenCV fill up a JPEG that was cut off in grey, so Pillow,
    which does not, decodes it first. A JPEG with wrong bytes in the middle
    passes both.

    Args:
        data (bytes): The file.

    Returns:
        PictureFacts: Digest, size and whether it is grey.

    Raises:
        ValueError: If it is no picture, or not a whole one.
    """
    if not data:
        raise ValueError('the file is empty')
    try:
        with Image.open(io.BytesIO(data)) as whole:
            whole.load()
    except UnidentifiedImageError:
        pass  # OpenCV may know a format that Pillow does not
    except Exception as error:  # decoders raise anything on broken data
        raise ValueError(str(error) or type(error).__name__) from error
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError(f'OpenCV: {error.err}') from error
    if image is None:
        raise ValueError(
            f'OpenCV can not decode it; it starts with {data[:16]!r}'
        )
    height, width, _ = image.shape
    blue, green, red = np.moveaxis(image, -1, 0)
    grey = np.array_equal(blue, green) and np.array_equal(green, red)
    return PictureFacts(picture_digest(image), width, height, grey)
