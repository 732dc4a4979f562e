"""Preparation of images: one model input for each face."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..faces.face import Face
from ..faces.face_crop import FaceCrop
from ..faces.yunet import YuNet
from .frames import Frame

logger = logging.getLogger(__name__)

DETECTORS = ('yunet', 'none')


@dataclass(frozen=True, eq=False)
class PreparedFace:
    """Face of an image, cropped and ready for the model.

    Args:
        face (Face): Its box and landmarks in the image.
        detected (bool): Whether a detector found it.
        packed (Any): The crop as the model takes it.
        matrix (np.ndarray): (2, 3), from the image to the crop.
        size (tuple[int, int]): Width and height of the crop in pixels.
    """

    face: Face
    detected: bool
    packed: Any
    matrix: np.ndarray
    size: tuple[int, int]


def find_batch_size(batch_size: int | str, device: str) -> int:
    """Return the number of faces in a batch.

    Args:
        batch_size (int | str): The number; or 'auto': 32 on a CPU, where the
            throughput grows no further, else 128 (not measured on a GPU).
        device (str): Type of the model's device.

    Raises:
        ValueError: If it is neither 'auto' nor a positive integer.
    """
    if batch_size == 'auto':
        return 32 if device == 'cpu' else 128
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(
            f"batch_size={batch_size!r} is neither 'auto' nor a positive "
            'integer'
        )
    return batch_size


class FacePreparation:
    """Read an image, detect its faces, crop and resize them.

    Threads may share an instance: each uses a detector of its own.

    Args:
        crop (FaceCrop): Crop of the training data.
        detector (str): 'yunet', or 'none': the whole image is the face.
        read (Callable): Reads an image of any kind but :class:`Frame` as
            (H, W, 3) BGR uint8.
        pack (Callable): Prepares a crop, (h, w, 3) BGR uint8, for the model.
        face_model (str | Path, optional): See :func:`find_yunet`. Defaults to
            None.

    Raises:
        ValueError: If ``detector`` is not allowed.
    """

    def __init__(
        self,
        crop: FaceCrop,
        detector: str,
        read: Callable[[Any], np.ndarray],
        pack: Callable[[np.ndarray], Any],
        face_model: str | Path | None = None,
    ):
        if detector not in DETECTORS:
            raise ValueError(f'face={detector!r} is not one of {DETECTORS}')
        self.crop = crop
        self.detector = detector
        self.read = read
        self.pack = pack
        self._build = partial(crop.build_detector, face_model)
        self._idle: list[YuNet] = []
        if detector == 'yunet':
            self._idle.append(self._build())  # a bad face_model fails here

    def __call__(
        self, source: Any, boxes: Sequence | None = None
    ) -> tuple[np.ndarray, list[PreparedFace]]:
        """Decode an image and prepare all its faces.

        Args:
            source: A :class:`Frame`, or what ``read`` takes.
            boxes (Sequence, optional): F boxes x1, y1, x2, y2 in pixels, or
                :class:`Face`, which replace detection. Only a face with
                landmarks is aligned by them.

        Returns:
            tuple: The image, (H, W, 3) BGR uint8, and a list of its faces. A
            detected face that cannot be cropped is left out with a warning.

        Raises:
            ImageError: If the image cannot be read.
            ValueError: If an array or a given box is not valid.
        """
        if isinstance(source, Frame):
            image = source.image
        else:
            image = self.read(source)
        if boxes is not None:
            given = [
                box if isinstance(box, Face) else Face(np.asarray(box))
                for box in boxes
            ]
            return image, [self._crop(image, face, False) for face in given]
        if self.detector == 'none':
            size = image.shape[1], image.shape[0]
            face, packed = Face(np.array([0, 0, *size])), self.pack(image)
            return image, [
                PreparedFace(face, False, packed, np.eye(2, 3), size)
            ]
        faces = []
        for face in self.detect(image):
            try:
                faces.append(self._crop(image, face, detected=True))
            except (ValueError, cv2.error) as error:
                logger.warning(f'a face is left out: {error}')
        return image, faces

    def detect(self, image: np.ndarray) -> list[Face]:
        """Detect faces, with a detector that no other thread uses."""
        try:
            detector = self._idle.pop()  # in one step, so safe in threads
        except IndexError:
            detector = self._build()
        try:
            return detector.detect(image)
        finally:
            self._idle.append(detector)

    def _crop(
        self, image: np.ndarray, face: Face, detected: bool
    ) -> PreparedFace:
        return PreparedFace(
            face,
            detected,
            self.pack(self.crop.crop(image, face)),
            self.crop.matrix(face),
            (self.crop.size, self.crop.size),
        )
