"""Frames of videos, cameras and network streams."""

import logging
import os
import reprlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeGuard
from urllib.parse import urlsplit

import cv2
import numpy as np

from ..utils.image_files import ImageError, opencv_path

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv'
)  # fmt: skip
"""Suffixes of video files; all others are read as images."""

DEFAULT_RATE = 25
"""Frames per second where a video does not state them."""


Source = str | Path | int


class Frame(NamedTuple):
    """Frame of a video: its number, time in seconds, and (H, W, 3) BGR."""

    number: int
    time: float
    image: np.ndarray


def is_camera(source: object) -> TypeGuard[int]:
    """Return whether a source is the number of a camera."""
    kinds = int, np.integer
    return isinstance(source, kinds) and not isinstance(source, bool)


def is_address(source: object) -> TypeGuard[str]:
    """Return whether a source is an address, such as rtsp://HOST/PATH."""
    return isinstance(source, str) and '://' in source


def is_video(source: object) -> bool:
    """Return whether a source is a video file, by its suffix."""
    return (
        isinstance(source, (str, Path))
        and not is_address(source)
        and Path(source).suffix.lower() in VIDEO_SUFFIXES
    )


def without_password(address: str) -> str:
    """Remove user and password of an address, for messages and tables."""
    if not is_address(address):
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition('@')[2]
    return parts._replace(netloc=host).geturl()


def frames_of(source: Source, every: int = 1) -> Iterator[Frame]:
    """Read a video frame by frame.

    Args:
        source (str | Path | int): A file, the address of a stream that OpenCV
            reads (http, https, rtsp, ...), or the number of a camera.
        every (int): Read each ``every``-th frame, from the first. Numbers and
            times stay those of the video. Defaults to 1.

    Yields:
        Frame: Its time is the video's own, from its start; a camera's counts
        from its first image.

    Raises:
        ImageError: If it cannot be opened or has no frame.
        ValueError: If ``source`` is of another kind, or ``every`` is not
            positive.
    """
    if every < 1:
        raise ValueError(f'every={every!r} is not positive')
    name, start = _checked_name(source), 0.0
    camera = is_camera(source)
    # Of numpy's integers OpenCV would make a file name.
    capture = cv2.VideoCapture(
        int(source) if is_camera(source) else str(source)
    )
    index = 0
    try:
        if not capture.isOpened():
            raise ImageError(f'{name} cannot be opened as a video')
        stated = 0 if camera else int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = capture.get(cv2.CAP_PROP_FPS) or DEFAULT_RATE
        while capture.grab():
            if index % every == 0:
                found, image = capture.retrieve()
                if not found or image is None:  # both, of damaged ones
                    break
                if camera:
                    start = start or time.monotonic()
                    seconds = time.monotonic() - start
                else:  # 0 if the file states no times
                    seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                    seconds = seconds or index / rate
                yield Frame(index, seconds, image)
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise ImageError(f'{name} gives no image')
    if index < stated:
        logger.warning(f'{name} states {stated} frames, {index} could be read')


def _checked_name(source: object) -> str:
    """Name a video in messages.

    Raises:
        ImageError: If there is no such file or camera.
        ValueError: If it is of another kind.
    """
    if is_camera(source):
        # OpenCV ends the process for negative numbers.
        if not 0 <= source < 2**31:
            raise ImageError(f'camera {source} is not in 0 to {2**31 - 1}')
        return f'camera {source}'
    if not isinstance(source, (str, Path)):
        raise ValueError(
            f'{reprlib.repr(source)} is no video: a file, an address, or the '
            'number of a camera'
        )
    name = without_password(str(source))
    if not is_address(source) and not os.path.isfile(source):
        raise ImageError(f'{name!r}: no such file')
    try:
        return repr(opencv_path(name))
    except ValueError as error:
        raise ImageError(str(error)) from error
