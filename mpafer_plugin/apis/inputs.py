"""Inputs of an inferencer: files, folders, arrays, videos, cameras."""

import os
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from PIL import Image

from mpafer_plugin.faces import ImageError
from mpafer_plugin.faces.image_io import is_image_file
from mpafer_plugin.utils.image_files import list_files

from .frames import Frame, frames_of, is_camera, is_video

IN_MEMORY = (
    Frame, np.ndarray, torch.Tensor, Image.Image, bytes, bytearray
)  # fmt: skip
"""Types of images in memory, beside open files."""


def images_of(inputs: Any) -> Iterator[tuple[str | None, Any]]:
    """Iterate over the images of an inferencer's inputs.

    Args:
        inputs: A path; an image in memory: an array, tensor, Pillow image,
            bytes or open binary file, see :func:`to_bgr`; a folder, a video
            file, a :class:`Frame`, the number of a camera, which gives one
            image; or a list or iterator of these. Folders are searched
            recursively, in the order of paths; links are followed, and the
            log counts files that are not images.

    Yields:
        tuple: The file (None for images in memory and cameras), and the path,
        image or video frame. The second is an :class:`ImageError` for a video
        or camera that cannot be read and a folder that cannot be listed,
        which follows the images found beside it. A folder with a circular
        link yields only the error.

    Raises:
        ValueError: If an input is of another kind.
    """
    if isinstance(inputs, IN_MEMORY) or hasattr(inputs, 'read'):
        yield None, inputs
    elif isinstance(inputs, (list, tuple, Iterator)):
        for part in inputs:
            yield from images_of(part)
    elif is_camera(inputs):
        try:
            yield None, next(frames_of(inputs))
        except ImageError as error:
            yield None, error
    elif not isinstance(inputs, (str, Path)):
        raise ValueError(
            f'{reprlib.repr(inputs)} is no input: a path, a folder, a video '
            'file, the number of a camera, an image as array, tensor, Pillow '
            'image, bytes or open file, or a list of these'
        )
    elif is_video(inputs):
        try:
            for frame in frames_of(inputs):
                yield str(inputs), frame
        except ImageError as error:
            yield str(inputs), error
    elif os.path.isdir(inputs):
        yield from _images_below(str(inputs))
    else:
        yield str(inputs), str(inputs)


def _images_below(
    folder: str,
) -> Iterator[tuple[str, str | ImageError]]:
    unreadable: dict[str, str] = {}
    try:
        files = list(list_files(Path(folder), unreadable))
    except (ValueError, OSError) as error:
        yield folder, ImageError(f'{folder!r} is not read: {error}')
        return
    images = [p for p in files if is_image_file(os.path.join(folder, p))]
    others = len(files) - len(images)
    if others:
        MMLogger.get_current_instance().info(
            f'{folder!r}: {others} of {len(files)} files are no images, or '
            'start with a dot, and are not read'
        )
    # os.path, as pathlib would drop the dot of './a.png'.
    for path in sorted(os.path.join(folder, path) for path in images):
        yield path, path
    for below, reason in unreadable.items():
        path = os.path.join(folder, below)
        yield path, ImageError(f'{path!r} cannot be listed: {reason}')
