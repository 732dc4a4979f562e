"""Preparation of images: one model input for each face."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmpretrain.registry import TRANSFORMS

from mpafer_plugin.faces import Face, FaceCrop, YuNet, read_image
from mpafer_plugin.faces.yunet import check_image

DETECTORS = ('yunet', 'none')


@dataclass(frozen=True, eq=False)
class PreparedFace:
    """Face of an image, cropped and ready for the model.

    Args:
        face (Face): Its box and landmarks in the image.
        detected (bool): Whether a detector found it.
        packed (dict): Output of the test pipeline.
        matrix (np.ndarray): (2, 3), from the image to the crop.
        size (tuple[int, int]): Width and height of the crop in pixels.
    """

    face: Face
    detected: bool
    packed: dict
    matrix: np.ndarray
    size: tuple[int, int]


class FacePreparation:
    """Read an image, detect its faces, crop and resize them.

    Threads may share an instance: each uses a detector of its own.

    Args:
        crop (FaceCrop): Crop of the training data.
        detector (str): 'yunet', or 'none': the whole image is the face.
        pipeline (Sequence[dict]): Test pipeline without its loading step.
        face_model (str | Path, optional): See :func:`find_yunet`.

    Raises:
        ValueError: If ``detector`` is not allowed.
    """

    def __init__(
        self,
        crop: FaceCrop,
        detector: str,
        pipeline: Sequence[dict],
        face_model: str | Path | None = None,
    ):
        if detector not in DETECTORS:
            raise ValueError(f'face={detector!r} is not one of {DETECTORS}')
        self.crop = crop
        self.detector = detector
        self._pipeline = Compose([TRANSFORMS.build(step) for step in pipeline])
        self._build = partial(crop.build_detector, face_model)
        self._idle: list[YuNet] = []
        if detector == 'yunet':
            self._idle.append(self._build())  # a bad face_model fails here

    def __call__(
        self,
        source: str | Path | bytes | np.ndarray,
        boxes: Sequence[Sequence[float]] | None = None,
    ) -> tuple[np.ndarray, list[PreparedFace]]:
        """Decode an image and prepare all its faces.

        Args:
            source: A file, its content, or (H, W, 3) BGR uint8.
            boxes (Sequence, optional): (F, 4) x1, y1, x2, y2 in pixels, which
                replace detection. They have no landmarks: crops are upright.

        Returns:
            tuple: The image, (H, W, 3) BGR uint8, and a list of its faces. A
            detected face that cannot be cropped is left out with a warning.

        Raises:
            ImageError: If the image cannot be read.
            ValueError: If the array or a given box is not valid.
        """
        if isinstance(source, np.ndarray):
            check_image(source)
            image = source
        else:
            image = read_image(source)
        if boxes is not None:
            given = [Face(np.asarray(box)) for box in boxes]
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
                MMLogger.get_current_instance().warning(
                    f'a face is left out: {error}'
                )
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

    def pack(self, crop: np.ndarray) -> dict:
        """Apply the test pipeline to a crop."""
        shape = crop.shape[:2]
        return self._pipeline(dict(img=crop, img_shape=shape, ori_shape=shape))
