import io
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM', 'JPEG2000')
"""Accepted formats. Pillow decodes some others by starting programs."""


BITS_PER_SAMPLE, EXTRA_SAMPLES = 258, 338  # tags of TIFF

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
        opened = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(opened, formats=FORMATS) as image:
            is_large = image.width * image.height > LARGE
            with _one_large if is_large else nullcontext():
                return _to_bgr(image)
    except UnidentifiedImageError as error:
        raise ImageError(
            f'{name}: its content is none of {", ".join(FORMATS)}'
        ) from error
    except Exception as error:  # decoders raise anything on broken data
        raise ImageError(f'{name}: {error or type(error).__name__}') from error


def is_readable_kind(path: Path) -> bool:
    """Return whether a file's header is of :data:`FORMATS`.

    Args:
        path (Path): A file.

    Returns:
        bool: True if :func:`read_image` would try to decode it.
    """
    try:
        Image.open(path, formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True
    except Exception:  # decoders raise anything
        return False
    return True


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
            f'mode {image.mode!r}, values of 32 bits, of which no one knows '
            'what is white; store it with 8 or 16 bits'
        )
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(BITS_PER_SAMPLE, (1,))[0]
        if image.mode.startswith('I;16'):
            white = 2**bits - 1
        # As libtiff does for OpenCV, if the file declares alpha.
        on_black = (
            image.mode == 'RGBA'
            and bits == 8
            and EXTRA_SAMPLES in image.tag_v2
        )
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND // width)
    for top in range(0, height, step):
        below = min(top + step, height)
        band = image.crop((0, top, width, below))
        pixels[top:below] = _band_to_bgr(band, white, on_black)
    return pixels


def _band_to_bgr(image: Image.Image, white: int, on_black: bool) -> np.ndarray:
    """Convert a band to (H, W, 3), or (H, W, 1) for grey above 8 bits."""
    # Pillow scales PPM above 8 bits to 16 in mode 'I', and PNG of 16 bits too
    # before version 11. Its own conversion to RGB would clip.
    if image.mode == 'I' or image.mode.startswith('I;16'):
        grey = np.rint(np.asarray(image) * (255 / white))
        return grey.astype(np.uint8)[..., None]
    if on_black:
        black = Image.new('RGBA', image.size, 'black')
        image = Image.alpha_composite(black, image)
    return np.asarray(image.convert('RGB'))[..., ::-1]
