"""Output videos of ``mpafer predict``."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mpafer_plugin.apis.frames import (
    DEFAULT_RATE,
    Source,
    is_address,
    is_camera,
)
from mpafer_plugin.utils.image_files import opencv_path

HIGHEST_RATE = 60
"""Frames per second at most; some files state 1000 if theirs is uneven."""

CODECS = {
    'vp09': 'VP9',
    'avc1': 'H.264',
    'mp4v': 'MPEG-4 part 2, which browsers do not play',
}
"""Codecs in the order in which they are tried: OpenCV's wheels lack the
encoder of H.264."""


class VideoWriter:
    """Writer of a video at the speed of its source.

    The first image opens the file; all others must have its size. The file
    has an even rate: each image is repeated until the next one is due, or
    left out if that is due at once.

    Args:
        place (Path): File to write.
        rate (float): Frames per second.

    Attributes:
        codec (str): Name of the codec; '' before the first image.

    Raises:
        OSError: If the file cannot be written.
    """

    def __init__(self, place: Path, rate: float):
        self.place = place
        self.rate = rate
        self.codec = ''
        self._writer: Any = None
        self._start = 0.0
        self._last: np.ndarray | None = None
        self._written = 0

    def write(self, image: np.ndarray, time: float) -> None:
        """Write an image, due at a time in seconds."""
        if self._writer is None:
            self._writer = self._open(*image.shape[1::-1])
            self._start = time
        self._repeat_until(round((time - self._start) * self.rate))
        self._last = image

    def close(self) -> None:
        """Write the last image and close the file, if it was opened."""
        if self._writer is not None:
            self._repeat_until(self._written + 1)
            self._writer.release()

    def _repeat_until(self, due: int) -> None:
        """Write the last image until ``due`` are written."""
        while self._written < due:
            self._writer.write(self._last)
            self._written += 1

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        for code, name in CODECS.items():
            writer = cv2.VideoWriter(
                opencv_path(self.place),
                cv2.VideoWriter.fourcc(*code),
                self.rate,
                (width, height),
            )
            if writer.isOpened():
                self.codec = name
                return writer
        raise OSError(f'{str(self.place)!r} cannot be written as a video')


def output_rate(source: Source, every: int = 1) -> float:
    """Return the frame rate of the drawing of a video.

    Args:
        source (Source): The video.
        every (int): See :func:`frames_of`. Defaults to 1.

    Returns:
        float: That of a file, at most :data:`HIGHEST_RATE`; 25 of a camera or
        stream, whose frames come at an uneven rate; both divided by
        ``every``.
    """
    rate = 0.0
    if not is_camera(source) and not is_address(source):
        capture = cv2.VideoCapture(str(source))
        rate = capture.get(cv2.CAP_PROP_FPS)
        capture.release()
    return min(rate or DEFAULT_RATE, HIGHEST_RATE) / every
