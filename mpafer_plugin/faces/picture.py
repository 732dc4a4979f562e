import io
from pathlib import Path

import numpy as np

FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM', 'JPEG2000')
"""What is read. Some other formats of Pillow start programs to be decoded."""


class PictureError(ValueError):
    """A picture that is not read: says which, and why."""


def read_picture(source: str | Path | bytes) -> np.ndarray:
    """Read a picture as people see it, or refuse it by name.

    The content decides what it is, not the file's ending. The orientation
    that EXIF states is applied; transparent parts are put on white; of an
    animation the first frame is taken; 16 bits are scaled to 8. Colour
    profiles are not applied, as in mmpretrain.

    Args:
        source (str | Path | bytes): The file, or its content.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8.

    Raises:
        PictureError: If there is no such file, it is no picture of
            :data:`FORMATS`, it is not whole, its values have no agreed
            white, or it has more pixels than Pillow opens: twice
            ``PIL.Image.MAX_IMAGE_PIXELS``, 178,956,970 unless changed there.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if isinstance(source, bytes):
        name = f'a picture of {len(source)} bytes'
    else:
        name = repr(str(source))
    try:
        opened = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(opened, formats=FORMATS) as image:
            image.load()
            return _to_bgr(ImageOps.exif_transpose(image), image.format)
    except UnidentifiedImageError as error:
        raise PictureError(
            f'{name}: its content is none of {", ".join(FORMATS)}'
        ) from error
    except Exception as error:  # decoders raise anything on broken data
        raise PictureError(
            f'{name}: {error or type(error).__name__}'
        ) from error


def _to_bgr(image, kind: str | None) -> np.ndarray:
    """Make (H, W, 3) of a Pillow image of any mode, from a kind of file."""
    from PIL import Image

    if image.mode.startswith('I;16') or (
        # Pillow scales grey of more than 8 bits to 16 in this format.
        image.mode == 'I' and kind == 'PPM'
    ):
        # Pillow itself would clip.
        grey = np.rint(np.asarray(image) / 257).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ('I', 'F'):
        raise ValueError(
            f'mode {image.mode!r}, values of 32 bits, of which no one knows '
            'what is white; store it with 8 or 16 bits'
        )
    if image.has_transparency_data:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
