"""Inputs of an inferencer: files, folders, arrays, videos, cameras."""

import os
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mpafer_plugin.faces import ImageError
from mpafer_plugin.faces.image_io import is_image_file

from .face_stream import Boxes, Job
from .frames import Frame, frames_of, is_camera, is_video
from .image_folder import images_below

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
        yield from images_below(str(inputs), is_image_file)
    else:
        yield str(inputs), str(inputs)


def jobs_of(inputs: Any, boxes: Boxes | None) -> Iterator[Job]:
    """List the images of an inferencer's inputs, each with its boxes.

    Yields:
        Job: Its name is the file or None, and number and time of a video
        frame or None.

    Raises:
        ValueError: If the numbers of boxes and images differ.
    """
    number = 0
    for number, (path, source) in enumerate(images_of(inputs), 1):
        if boxes is not None and number > len(boxes):
            break
        own = None if boxes is None else boxes[number - 1]
        frame = source[:2] if isinstance(source, Frame) else None
        yield Job((path, frame), source, own)
    if boxes is not None and number != len(boxes):
        raise ValueError(
            f'boxes has {len(boxes)} entries, but there are '
            f'{"fewer" if number < len(boxes) else "more"} images'
        )
