import io
import os
import re
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, EXTRASAMPLES, TiffImageFile

from mpafer_plugin.utils.image_files import ImageError, is_image

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


def read_image(
    source: str | Path | bytes | BinaryIO | Image.Image,
) -> np.ndarray:
    """Read an image as training does.

    The format is detected from the content, not the file name. The EXIF
    orientation is applied; alpha is dropped, as by OpenCV's IMREAD_COLOR and
    so mmpretrain (which composites an 8-bit TIFF on black); an animation
    gives its first frame; more than 8 bits are scaled to 8. Colour profiles
    are ignored, as in mmpretrain.

    Images above :data:`LARGE` pixels are read one at a time over all threads,
    at about 7 bytes a pixel.

    Args:
        source (str | Path | bytes | BinaryIO | PIL.Image.Image): A file, its
            content, an open binary file, or a Pillow image, which stays as
            it is.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8.

    Raises:
        ImageError: If there is no such file, it is not of :data:`FORMATS`, it
            is truncated, its 32-bit values have no defined white, or it has
            more pixels than Pillow allows: twice
            ``PIL.Image.MAX_IMAGE_PIXELS``, 178,956,970 unless changed there.
    """
    name = _name(source)
    try:
        if isinstance(source, Image.Image):
            with _one_large:  # threads may load the same image
                return _to_bgr(source, in_place=False)
        with _open(source) as image:
            is_large = image.width * image.height > LARGE
            with _one_large if is_large else nullcontext():
                return _to_bgr(image)
    except UnidentifiedImageError as error:
        raise ImageError(
            f'{name}: its content is none of {", ".join(_formats())}'
        ) from error
    except Exception as error:  # decoders raise anything on broken data
        # The text of an OSError repeats the name, however long.
        reason = getattr(error, 'strerror', None) or str(error)
        hint = _hint(source) if isinstance(source, str) else ''
        raise ImageError(
            f'{name}: {reason or type(error).__name__}{hint}'
        ) from error


def _open(source: Any) -> Image.Image:
    if hasattr(source, 'read'):
        source = source.read()
        if isinstance(source, str):
            raise ValueError("it was opened as text; open it with mode 'rb'")
    if isinstance(source, (bytes, bytearray)):
        source = io.BytesIO(source)
    return Image.open(source, formats=_formats())


def _name(source: Any) -> str:
    """Name an image in messages."""
    if isinstance(source, (bytes, bytearray)):
        return f'an image of {len(source)} bytes'
    if isinstance(source, Image.Image):
        size = f'{source.width} x {source.height}'
        return f'a Pillow image of {size} pixels, mode {source.mode!r}'
    if isinstance(source, (str, Path)):
        text = str(source)
        if len(text) > 255:  # no file name, but perhaps a whole image
            text = f'{text[:40]}...{text[-40:]}'
        return repr(text)
    return f'the image in {type(source).__name__}'


def _hint(text: str) -> str:
    """Remedy for a text that is no file; '' if none is known."""
    if text.startswith('data:'):
        return '; decode it: base64.b64decode(text.partition(",")[2])'
    if '://' in text:
        return (
            '; download an image, as by mmengine.fileio.get(address), and '
            'pass its bytes; a video is read by FERInferencer.video(address)'
        )
    if len(text) > 255 and re.fullmatch(r'[\w+/=\s-]+', text):
        return '; if it is base64, pass base64.b64decode(text)'
    return ''


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


def _to_bgr(image: Image.Image, in_place: bool = True) -> np.ndarray:
    """Convert a Pillow image of any mode to BGR (H, W, 3)."""
    kind, white, on_black = image.format, 2**16 - 1, False
    image.load()
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
    if in_place:
        ImageOps.exif_transpose(image, in_place=True)
    else:
        image = ImageOps.exif_transpose(image)
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
