import io
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM', 'JPEG2000')
"""What is read. Some other formats of Pillow start programs to be decoded."""


BITS_PER_SAMPLE, EXTRA_SAMPLES = 258, 338  # tags of TIFF

LARGE = 50_000_000
"""Pixels of images of which one at a time is read; about 350 MB (ours)."""

BAND = 2**24
"""Pixels that are converted at once, so that copies stay small."""

_one_large: AbstractContextManager = threading.Lock()


class ImageError(ValueError):
    """An image that is not read: says which, and why."""


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read an image as training does, or refuse it by name.

    The content decides what it is, not the file's ending. The orientation
    that EXIF states is applied; transparency is left out, so that colours are
    those beneath it, as OpenCV's IMREAD_COLOR and so mmpretrain has it (which
    puts a TIFF of 8 bits on black); of an animation the first frame is taken;
    more than 8 bits are scaled to 8. Colour profiles are not applied, as in
    mmpretrain.

    Of images above :data:`LARGE` pixels one at a time is read, whatever the
    number of threads. It takes about 7 bytes a pixel.

    Args:
        source (str | Path | bytes): The file, or its content.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8.

    Raises:
        ImageError: If there is no such file, it is no image of
            :data:`FORMATS`, it is not whole, its values have no agreed
            white, or it has more pixels than Pillow opens: twice
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
    """Whether a file's content is of :data:`FORMATS`, by its beginning.

    Args:
        path (Path): A file.

    Returns:
        bool: Whether :func:`read_image` would try; it may still refuse it.
    """
    try:
        Image.open(path, formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True
    except Exception:  # decoders raise anything
        return False
    return True


def share_large(lock: AbstractContextManager) -> None:
    """Let this process read large images under a lock of several processes.

    Args:
        lock: Instead of the lock of this process's threads.
    """
    global _one_large
    _one_large = lock


def _to_bgr(image: Image.Image) -> np.ndarray:
    """Make (H, W, 3) of a Pillow image of any mode that is a file's."""
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
        # What libtiff does for OpenCV, where the file says it has alpha.
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
    """Make (H, W, 3), or (H, W, 1) of grey of more than 8 bits."""
    # Pillow has PPM of more than 8 bits scaled to 16 in mode 'I', and PNG of
    # 16 bits too before its version 11. Itself it would clip.
    if image.mode == 'I' or image.mode.startswith('I;16'):
        grey = np.rint(np.asarray(image) * (255 / white))
        return grey.astype(np.uint8)[..., None]
    if on_black:
        black = Image.new('RGBA', image.size, 'black')
        image = Image.alpha_composite(black, image)
    return np.asarray(image.convert('RGB'))[..., ::-1]
