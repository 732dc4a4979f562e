import io
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, EXTRASAMPLES, TiffImageFile

from mpafer_plugin.utils.image_files import is_image

FORMATS = (
    'JPEG',
    'PNG',
    'BMP',
    'TIFF',
    'WEBP',
    'GIF',
    'PPM',
    'JPEG2000',
    'AVIF',
    'HEIF',
)
"""Accepted formats. Pillow decodes some others by starting programs. It has
AVIF since 11.3, and HEIF once pillow-heif is registered."""

LARGE = 50_000_000
"""Pixels above which one image at a time is read; about 350 MB (ours)."""

BAND = 2**24
"""Pixels converted at once, to keep temporary copies small."""

_one_large: AbstractContextManager = threading.Lock()


class ImageError(ValueError):
    """Raised if an image cannot be read; names the image and the reason."""


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read an image as training does.

    The format is detected from the content, not the file name. The EXIF
    orientation is applied; alpha is dropped, as by OpenCV's IMREAD_COLOR and
    so mmpretrain (which composites an 8-bit TIFF on black); an animation
    gives its first frame; more than 8 bits are scaled to 8. Colour profiles
    are ignored, as in mmpretrain.

    Images above :data:`LARGE` pixels are read one at a time over all threads,
    at about 7 bytes a pixel.

    Args:
        source (str | Path | bytes): A file, or its content.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8.

    Raises:
        ImageError: If there is no such file, it is not of :data:`FORMATS`, it
            is truncated, its 32-bit values have no defined white, or it has
            more pixels than Pillow allows: twice
            ``PIL.Image.MAX_IMAGE_PIXELS``, 178,956,970 unless changed there.
    """
    if isinstance(source, bytes):
        name = f'an image of {len(source)} bytes'
    else:
        name = repr(str(source))
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(file, formats=_formats()) as image:
            is_large = image.width * image.height > LARGE
            with _one_large if is_large else nullcontext():
                return _to_bgr(image)
    except UnidentifiedImageError as error:
        raise ImageError(
            f'{name}: its content is none of {", ".join(_formats())}'
        ) from error
    except Exception as error:  # decoders raise anything on broken data
        raise ImageError(f'{name}: {error or type(error).__name__}') from error


def image_format(path: str | Path) -> str | None:
    """Return the format of a file's content, without decoding it.

    Returns:
        str | None: One of :data:`FORMATS`, 'huge' if it is an image of more
        pixels than Pillow allows, None if it is none.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            return image.format
    except Image.DecompressionBombError:
        return 'huge'
    except Exception:  # decoders raise anything
        return None


def is_image_file(path: str | Path) -> bool:
    """Return whether a file is an image, by its name or else its content.

    Names that start with a dot are no images: see :func:`is_image`.
    """
    if is_image(str(path)):
        return True
    # Reading from a pipe would block for ever.
    hidden = os.path.basename(path).startswith('.') or not os.path.isfile(path)
    return not hidden and image_format(path) is not None


def _formats() -> list[str]:
    """Return those of :data:`FORMATS` that Pillow has here."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def share_large(lock: AbstractContextManager) -> None:
    """Share the lock for large images with other processes.

    Args:
        lock (AbstractContextManager): Replaces the lock between threads.
    """
    global _one_large
    _one_large = lock


def _to_bgr(image: Image.Image) -> np.ndarray:
    """Convert a Pillow image of any mode to BGR (H, W, 3)."""
    kind, white, on_black = image.format, 2**16 - 1, False
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == 'F' or (image.mode == 'I' and kind not in ('PPM', 'PNG')):
        raise ValueError(
            f'mode {image.mode!r}: values of 32 bits have no defined white; '
            'store it with 8 or 16 bits'
        )
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(BITSPERSAMPLE, (1,))[0]
        if image.mode.startswith('I;16'):
            white = 2**bits - 1
        # As libtiff does for OpenCV, if the file declares alpha.
        on_black = bits == 8 and EXTRASAMPLES in image.tag_v2
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    step = max(1, BAND // image.width)
    for top in range(0, image.height, step):
        rows = pixels[top : top + step]
        band = image.crop((0, top, image.width, top + len(rows)))
        # Pillow scales PPM above 8 bits to 16 in mode 'I', and PNG of 16 bits
        # too before version 11. Its own conversion to RGB would clip.
        if band.mode == 'I' or band.mode.startswith('I;16'):
            rows[:] = np.rint(np.asarray(band) * (255 / white))[..., None]
            continue
        if on_black and band.mode == 'RGBA':
            black = Image.new('RGBA', band.size, 'black')
            band = Image.alpha_composite(black, band)
        rows[:] = np.asarray(band.convert('RGB'))[..., ::-1]
    return pixels
