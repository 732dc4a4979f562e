from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...apis.face_pipeline import FacePreparation, find_batch_size
from ...apis.face_predictor import FacePredictor
from ...apis.face_stream import Job
from ...apis.fer_results import ImagePrediction
from ...faces.face_crop import FaceCrop, choose_crop
from ...faces.yunet import check_image
from ..session import Session
from .images import read_image

_INTERPOLATIONS = {
    'nearest': cv2.INTER_NEAREST,
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'lanczos': cv2.INTER_LANCZOS4,
}
"""Of OpenCV, by their names in mmcv."""


class StandaloneInferencer(FacePredictor):
    """Facial expression recognition by an exported model.

    It needs numpy, OpenCV and onnxruntime alone, and runs on the CPU.

    Args:
        model (str | Path): A ``model.onnx``.
        face (str): 'yunet' detects faces; with 'none' the whole image is the
            face. Defaults to 'yunet'.
        face_model (str | Path, optional): Weights of YuNet, see
            :func:`find_yunet`. Defaults to None.
        face_crop (FaceCrop, optional): Crop of the faces. Defaults to None:
            see :func:`choose_crop`.

    Attributes:
        classes (list[str]): Class names, in label order.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If an argument is not valid, or the model was not written
            by ``mpafer export``.
    """

    def __init__(
        self,
        model: str | Path,
        face: str = 'yunet',
        face_model: str | Path | None = None,
        face_crop: FaceCrop | None = None,
    ):
        self._session = Session(model)
        meta = self._session.meta
        height, width = meta.input['size']
        self._size = width, height
        self._interpolation = _INTERPOLATIONS[meta.input['interpolation']]
        prepare = FacePreparation(
            choose_crop(meta.crop, face, face_crop),
            face,
            _read,
            self._pack,
            face_model,
        )
        super().__init__(prepare, meta.classes, find_batch_size('auto', 'cpu'))

    def __call__(self, image: str | Path | np.ndarray) -> list[dict]:
        """Detect and classify the faces of an image.

        Args:
            image (str | Path | np.ndarray): A file, or (H, W, 3) BGR uint8.

        Returns:
            list[dict]: See :func:`face_result`.

        Raises:
            ImageError: If the image cannot be read.
            ValueError: If the array is no image.
        """
        (found,) = self._predict([Job((None, None), image)])
        if found.error is not None:
            raise found.error
        return found.faces

    def stream(
        self, images: Iterable[tuple[str, str | Exception]]
    ) -> Iterator[ImagePrediction]:
        """Predict image by image, and continue after images with errors.

        Args:
            images (Iterable[tuple]): A path, and the same or the error that
                says why there is no image, see :func:`images_below`.

        Yields:
            ImagePrediction: In the order of the images.
        """
        return self._predict(
            Job((path, None), source) for path, source in images
        )

    def forward(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Classify faces, F times (3, h, w) RGB uint8, see the base class."""
        batch = np.stack(inputs).astype(np.float32)
        probs = self._session(batch)['probabilities']
        if not np.isfinite(probs).all():
            raise ValueError("the model's scores are not finite")
        return probs

    def _pack(self, crop: np.ndarray) -> np.ndarray:
        resized = cv2.resize(
            crop, self._size, interpolation=self._interpolation
        )
        return resized[..., ::-1].transpose(2, 0, 1)


def _read(image: Any) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        return read_image(image)
    check_image(image)
    return image
