"""Output videos of ``mpafer predict``."""

from pathlib import Path

import cv2
import numpy as np

from mpafer_plugin.utils.image_files import opencv_path

CAMERA_RATE = 25
"""Frames per second of a video from a camera."""


class VideoWriter:
    """Writer of a video at the speed of its source.

    The first image opens the file; all others must have its size.

    Args:
        place (Path): File to write.
        source (str | int): A video, whose frame rate is used, or the number
            of a camera. Camera images arrive at an uneven rate: each one is
            repeated or dropped to fit :data:`CAMERA_RATE`.

    Raises:
        OSError: If the file cannot be written.
    """

    def __init__(self, place: Path, source: str | int):
        self.place = place
        self.camera = isinstance(source, int)
        self.rate = CAMERA_RATE if isinstance(source, int) else _rate(source)
        self._written = 0
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: np.ndarray, time: float) -> None:
        """Write an image, taken at a time in seconds."""
        if self._writer is None:
            self._writer = self._open(*image.shape[1::-1])
        due = int(time * self.rate) + 1 if self.camera else self._written + 1
        while self._written < due:
            self._writer.write(image)
            self._written += 1

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._writer is not None:
            self._writer.release()

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        code = cv2.VideoWriter.fourcc(*'mp4v')
        writer = cv2.VideoWriter(
            opencv_path(self.place), code, self.rate, (width, height)
        )
        if not writer.isOpened():
            raise OSError(f'{str(self.place)!r} cannot be written as a video')
        return writer


def _rate(path: str) -> float:
    """Return the frame rate of a video; CAMERA_RATE if it is unknown."""
    capture = cv2.VideoCapture(path)
    try:
        return capture.get(cv2.CAP_PROP_FPS) or CAMERA_RATE
    finally:
        capture.release()
