import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError


class ImageFacts(NamedTuple):
    """Properties of a decoded image.

    Args:
        digest (str): Hash of its pixels, see :func:`image_digest`.
        width (int): In pixels.
        height (int): In pixels.
        grey (bool): Whether it has one channel, or three equal ones.
    """

    digest: str
    width: int
    height: int
    grey: bool


def image_facts(data: bytes) -> ImageFacts:
    """Decode a whole image and return its properties.

    It is decoded as in training, by OpenCV into three channels. Some versions
    of OpenCV fill up a truncated JPEG with grey, so Pillow, which does not,
    decodes it first. A JPEG with wrong bytes in the middle passes both.

    Args:
        data (bytes): Content of the file.

    Returns:
        ImageFacts: Digest, size and whether it is grey.

    Raises:
        ValueError: If it is not an image, or truncated.
    """
    if not data:
        raise ValueError('the file is empty')
    try:
        with Image.open(io.BytesIO(data)) as whole:
            whole.load()
    except UnidentifiedImageError:
        pass  # OpenCV may know a format that Pillow does not
    except Exception as error:  # decoders raise many types
        raise ValueError(str(error) or type(error).__name__) from error
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError(f'OpenCV: {error.err}') from error
    if image is None:
        raise ValueError(
            f'OpenCV cannot decode it; it starts with {data[:16]!r}'
        )
    height, width, _ = image.shape
    blue, green, red = np.moveaxis(image, -1, 0)
    grey = np.array_equal(blue, green) and np.array_equal(green, red)
    return ImageFacts(image_digest(image), width, height, grey)


def image_digest(image: np.ndarray) -> str:
    """Hash the pixels of a decoded image, to compare it with others.

    Files with the same pixels have the same digest, whatever their
    compression and metadata.

    Args:
        image (np.ndarray): Pixels (H, W) or (H, W, C) of any type.

    Returns:
        str: 32 hexadecimal digits, the same if and only if shape, type and
        all pixels are the same, as far as hashes can tell.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f'{image.shape} {image.dtype.str}'.encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def duplicate_groups(digests: Iterable[tuple[Any, str]]) -> list[list[Any]]:
    """Group the names of images with the same digest.

    Args:
        digests (Iterable[tuple[Any, str]]): Name and digest of each image.

    Returns:
        list[list[Any]]: The groups of two or more names, in the order of
        their first image; in each the order given.
    """
    groups: dict[str, list[Any]] = defaultdict(list)
    for name, digest in digests:
        groups[digest].append(name)
    return [names for names in groups.values() if len(names) > 1]
