import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..utils.image_files import ImageError, list_files

logger = logging.getLogger(__name__)


def images_below(
    folder: str, is_image_file: Callable[[str], bool]
) -> Iterator[tuple[str, str | ImageError]]:
    """Iterate over the images of a folder and its subfolders.

    Args:
        folder (str): The folder; links are followed.
        is_image_file (Callable): Returns whether a path is of an image.

    Yields:
        tuple: Twice the path of an image, in the order of paths; then each
        folder that cannot be listed, and the error. If a link leads back, or
        the folder itself cannot be listed, there is nothing but this error.
    """
    unreadable: dict[str, str] = {}
    try:
        files = list(list_files(Path(folder), unreadable))
    except (ValueError, OSError) as error:
        yield folder, ImageError(f'{folder!r} is not read: {error}')
        return
    images = [p for p in files if is_image_file(os.path.join(folder, p))]
    others = len(files) - len(images)
    if others:
        logger.info(
            f'{folder!r}: {others} of {len(files)} files are no images, or '
            'start with a dot, and are not read'
        )
    # os.path, as pathlib would drop the dot of './a.png'.
    for path in sorted(os.path.join(folder, path) for path in images):
        yield path, path
    for below, reason in unreadable.items():
        path = os.path.join(folder, below)
        yield path, ImageError(f'{path!r} cannot be listed: {reason}')
