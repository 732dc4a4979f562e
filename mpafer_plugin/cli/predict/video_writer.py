"""The video that predict.py draws."""

from pathlib import Path

import cv2
import numpy as np

CAMERA_RATE = 25
"""Frames a second of what a camera's images become."""


class VideoWriter:
    """Write a video again, at the speed that it had.

    The file is opened with the first image, whose size all others have.

    Args:
        place (Path): The file.
        source (str | int): A video, whose rate is taken, or the number of a
            camera. How fast a camera is answered depends on the machine: each
            image is repeated until its time, or left out.

    Raises:
        OSError: If it cannot be written.
    """

    def __init__(self, place: Path, source: str | int):
        self.place = place
        self.camera = isinstance(source, int)
        self.rate = CAMERA_RATE if isinstance(source, int) else rate(source)
        self._written = 0
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: np.ndarray, time: float) -> None:
        """Write an image that was taken at a time in seconds."""
        if self._writer is None:
            self._writer = self._open(*image.shape[1::-1])
        due = int(time * self.rate) + 1 if self.camera else self._written + 1
        while self._written < due:
            self._writer.write(image)
            self._written += 1

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._writer is not None:
            self._writer.release()

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        code = cv2.VideoWriter.fourcc(*'mp4v')
        writer = cv2.VideoWriter(
            str(self.place), code, self.rate, (width, height)
        )
        if not writer.isOpened():
            raise OSError(f'{str(self.place)!r} cannot be written as a video')
        return writer


def rate(path: str) -> float:
    """Frames a second of a video, or of a camera where it does not say."""
    capture = cv2.VideoCapture(path)
    try:
        return capture.get(cv2.CAP_PROP_FPS) or CAMERA_RATE
    finally:
        capture.release()
