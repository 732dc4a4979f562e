"""From an image to what the model takes: one input a face."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

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
    """A face, and what the model takes of it.

    Args:
        face (Face): Where it is in the image.
        scored (bool): Whether a detector found it.
        packed (dict): What the test pipeline gives.
        matrix (np.ndarray): (2, 3), from the image to the crop.
        size (tuple[int, int]): Width and height of the crop in pixels.
    """

    face: Face
    scored: bool
    packed: dict
    matrix: np.ndarray
    size: tuple[int, int]


class FacePreparation:
    """Read an image, find its faces, cut them out, resize them.

    May be called by several threads: each has a detector for itself.

    Args:
        crop (FaceCrop): The crop that training saw.
        detector (str): 'yunet', or 'none': the whole image is the face.
        pipeline (Sequence[dict]): The test pipeline behind reading.
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
        self._build: Callable[[], YuNet] = lambda: crop.build_detector(
            face_model
        )
        self._idle: SimpleQueue[YuNet] = SimpleQueue()
        if detector == 'yunet':
            self._idle.put(self._build())  # what is wrong with it shows now

    def __call__(
        self,
        source: str | Path | bytes | np.ndarray,
        boxes: Sequence[Sequence[float]] | None = None,
    ) -> list[PreparedFace]:
        """Prepare all faces of an image.

        Args:
            source: The file, its content, or (H, W, 3) BGR uint8.
            boxes (Sequence, optional): (F, 4) x1, y1, x2, y2 instead of the
                detector's. They have no landmarks: crops are upright.

        Returns:
            list[PreparedFace]: Empty if there is no face. A face that is
            found but cannot be cut out is left out, and the log says so.

        Raises:
            ValueError: If the image is refused, an ImageError, or a given
                box cannot be cut out.
        """
        if isinstance(source, np.ndarray):
            check_image(source)
            image = source
        else:
            image = read_image(source)
        if boxes is not None:
            return [
                self._cut(image, Face(np.asarray(box)), scored=False)
                for box in boxes
            ]
        if self.detector == 'none':
            return [self._whole(image)]
        faces = []
        for face in self.detect(image):
            try:
                faces.append(self._cut(image, face, scored=True))
            except (ValueError, cv2.error) as error:
                MMLogger.get_current_instance().warning(
                    f'a face is left out: {error}'
                )
        return faces

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find faces, with a detector that no other thread uses."""
        try:
            detector = self._idle.get_nowait()
        except Empty:
            detector = self._build()
        try:
            return detector.detect(image)
        finally:
            self._idle.put(detector)

    def pack(self, crop: np.ndarray) -> dict:
        """Send a crop through the test pipeline."""
        shape = crop.shape[:2]
        return self._pipeline(dict(img=crop, img_shape=shape, ori_shape=shape))

    def _cut(
        self, image: np.ndarray, face: Face, scored: bool
    ) -> PreparedFace:
        return PreparedFace(
            face,
            scored,
            self.pack(self.crop.crop(image, face)),
            self.crop.matrix(face),
            (self.crop.size, self.crop.size),
        )

    def _whole(self, image: np.ndarray) -> PreparedFace:
        height, width = image.shape[:2]
        return PreparedFace(
            Face(np.array([0, 0, width, height])),
            False,
            self.pack(image),
            np.eye(2, 3),
            (width, height),
        )
