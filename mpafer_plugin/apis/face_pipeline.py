"""Preparation of images: one model input for each face."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dataset import Compose, default_collate
from mmengine.logging import MMLogger
from mmpretrain.registry import TRANSFORMS

from mpafer_plugin.faces import (
    CHANNEL_ORDERS,
    Face,
    FaceCrop,
    YuNet,
    to_bgr,
)

from .frames import Frame

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


def collate_faces(inputs: Sequence[dict], model: Any) -> dict:
    """Batch the inputs of a model.

    A GPU gets the images in one copy, from pinned memory and not waited for.

    Args:
        inputs (Sequence[dict]): F outputs of the test pipeline.
        model (nn.Module): The classifier, on its device.

    Returns:
        dict: ``inputs`` (F, 3, H, W) on the CPU and ``data_samples``.
    """
    batch = default_collate(inputs)
    if model.data_preprocessor.device.type == 'cuda':
        model.data_preprocessor._non_blocking = True
        batch['inputs'] = batch['inputs'].pin_memory()
    return batch


class FacePreparation:
    """Read an image, detect its faces, crop and resize them.

    Threads may share an instance: each uses a detector of its own.

    Args:
        crop (FaceCrop): Crop of the training data.
        detector (str): 'yunet', or 'none': the whole image is the face.
        pipeline (Sequence[dict]): Test pipeline without its loading step.
        face_model (str | Path, optional): See :func:`find_yunet`.
        channel_order (str): See :func:`to_bgr`. Defaults to 'bgr'.

    Raises:
        ValueError: If ``detector`` or ``channel_order`` is not allowed.
    """

    def __init__(
        self,
        crop: FaceCrop,
        detector: str,
        pipeline: Sequence[dict],
        face_model: str | Path | None = None,
        channel_order: str = CHANNEL_ORDERS[0],
    ):
        if detector not in DETECTORS:
            raise ValueError(f'face={detector!r} is not one of {DETECTORS}')
        if channel_order not in CHANNEL_ORDERS:
            raise ValueError(
                f'channel_order={channel_order!r} is not one of '
                f'{CHANNEL_ORDERS}'
            )
        self.channel_order = channel_order
        self.crop = crop
        self.detector = detector
        self._pipeline = Compose([TRANSFORMS.build(step) for step in pipeline])
        self._build = partial(crop.build_detector, face_model)
        self._idle: list[YuNet] = []
        if detector == 'yunet':
            self._idle.append(self._build())  # a bad face_model fails here

    def __call__(
        self, source: Any, boxes: Sequence | None = None
    ) -> tuple[np.ndarray, list[PreparedFace]]:
        """Decode an image and prepare all its faces.

        Args:
            source: A :class:`Frame`, or see :func:`to_bgr`.
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
            image = to_bgr(source, self.channel_order)
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
