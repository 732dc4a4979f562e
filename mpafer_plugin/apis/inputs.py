"""Inputs of an inferencer: files, folders, arrays, videos, cameras."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.logging import MMLogger

from mpafer_plugin.faces import ImageError
from mpafer_plugin.faces.image_io import is_image_file
from mpafer_plugin.utils.image_files import list_files, opencv_path

VIDEO_SUFFIXES = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv'
)  # fmt: skip
"""Suffixes of video files; all others are read as images."""


class Frame(NamedTuple):
    """Frame of a video: its number, time in seconds, and (H, W, 3) BGR."""

    number: int
    time: float
    image: np.ndarray


def is_video(source: object) -> bool:
    """Return whether a source is a video file, by its suffix."""
    return (
        isinstance(source, (str, Path))
        and Path(source).suffix.lower() in VIDEO_SUFFIXES
    )


def images_of(
    inputs: object,
) -> Iterator[tuple[str | None, str | np.ndarray | Frame | ImageError]]:
    """Iterate over the images of an inferencer's inputs.

    Args:
        inputs: A path, an array (H, W, 3) BGR, a folder, a video file, the
            number of a camera, which gives one image, or a list of these.
            Folders are searched recursively, in the order of paths; links
            are followed, and the log counts files that are not images.

    Yields:
        tuple: The file (None for arrays and cameras), and the path, array or
        video frame. The second is an :class:`ImageError` for a video or
        camera that cannot be read and a folder that cannot be listed, which
        follows the images found beside it. A folder with a circular link
        yields only the error.

    Raises:
        ValueError: If an input is of another kind.
    """
    if isinstance(inputs, (list, tuple)):
        for part in inputs:
            yield from images_of(part)
    elif isinstance(inputs, np.ndarray):
        yield None, inputs
    elif isinstance(inputs, int) and not isinstance(inputs, bool):
        try:
            yield None, next(frames_of(inputs)).image
        except ImageError as error:
            yield None, error
    elif not isinstance(inputs, (str, Path)):
        raise ValueError(
            f'{inputs!r} is no input: a path, an array (H, W, 3), a folder, '
            'a video file, the number of a camera, or a list of these'
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


def frames_of(source: str | Path | int) -> Iterator[Frame]:
    """Read a video frame by frame.

    Args:
        source (str | Path | int): A file, or the number of a camera.

    Yields:
        Frame: Its time counts from the start of the video, or from the first
        image of the camera.

    Raises:
        ImageError: If it cannot be opened or has no frame.
    """
    camera = isinstance(source, int)
    name = f'camera {source}' if camera else repr(str(source))
    if not camera and not os.path.isfile(source):
        raise ImageError(f'{name}: no such file')
    if not camera:
        try:
            opencv_path(str(source))
        except ValueError as error:
            raise ImageError(str(error)) from error
    capture = cv2.VideoCapture(str(source) if not camera else source)
    index, start = 0, 0.0
    try:
        if not capture.isOpened():
            raise ImageError(f'{name} cannot be opened as a video')
        stated = 0 if camera else int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        while (found := capture.read())[0]:
            image = found[1]
            if camera:
                start = start or time.monotonic()
                seconds = time.monotonic() - start
            else:
                seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield Frame(index, seconds, image)
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise ImageError(f'{name} gives no image')
    if index < stated:
        MMLogger.get_current_instance().warning(
            f'{name} states {stated} frames, {index} could be read'
        )


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
