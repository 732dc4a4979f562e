"""Small copies of images inside a page."""

import base64
from typing import Any

import cv2
import numpy as np

from mpafer_plugin.visualization import overlay

from .data import ReportData
from .predictions import Predictions

SIDE = 112  # pixels, of the longer side
_QUALITY = 80


def data_uri(image: np.ndarray) -> str:
    """Encode an image (H, W, 3), RGB, uint8, as JPEG in a URI."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, content = cv2.imencode('.jpg', image[..., ::-1], flags)
    encoded = base64.b64encode(content.tobytes()).decode()
    return f'data:image/jpeg;base64,{encoded}'


def shrink(image: np.ndarray) -> np.ndarray:
    """Scale an image so that its longer side is at most 112 pixels."""
    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    return cv2.resize(
        np.ascontiguousarray(image), None, fx=scale, fy=scale,
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip


def enlarge(image: np.ndarray, side: int = 168) -> np.ndarray:
    """Scale an image so that its longer side is ``side`` pixels."""
    scale = side / max(image.shape[:2])
    return cv2.resize(
        np.ascontiguousarray(image), None, fx=scale, fy=scale,
        interpolation=cv2.INTER_CUBIC,
    )  # fmt: skip


def heat_map(face: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Draw values of patches as colours that are the denser the higher.

    Args:
        face (np.ndarray): (H, W, 3), RGB, uint8; drawn in grey.
        share (np.ndarray): Values in [0, 1], (h, w).

    Returns:
        np.ndarray: (H, W, 3), RGB, uint8.
    """
    height, width = face.shape[:2]
    levels = cv2.resize(
        share.astype(np.float32), (width, height),
        interpolation=cv2.INTER_LINEAR,
    )  # fmt: skip
    colours = cv2.applyColorMap(
        (255 * levels).round().astype(np.uint8), cv2.COLORMAP_INFERNO
    )[..., ::-1]
    opacity = 0.85 * np.sqrt(levels)[..., None]
    grey = face.mean(2, keepdims=True)
    return ((1 - opacity) * grey + opacity * colours).astype(np.uint8)


class Thumbnails:
    """Images of a report, as its page shows them.

    Args:
        data (ReportData): The images.
        hidden (bool): Whether images are left out. Defaults to False.
    """

    def __init__(self, data: ReportData, hidden: bool = False):
        self._data = data
        self._hidden = hidden

    def __call__(
        self, image: int, predictions: Predictions | None = None
    ) -> dict[str, Any]:
        """Return ``image`` and ``patches`` as URIs, each may be None.

        Args:
            image (int): Its place among the images.
            predictions (Predictions, optional): Whose deciding patches are
                drawn. Defaults to None.
        """
        found = None if self._hidden else self._data.view(image)
        if found is None:
            return dict(image=None, patches=None)
        small, patches = shrink(found), None
        if predictions is not None and predictions.deciding is not None:
            mask = predictions.patches([image])[0].astype(float)
            size = small.shape[1::-1]
            drawn = overlay(small, mask, np.eye(2, 3), size, smooth=False)
            patches = data_uri(drawn)
        return dict(image=data_uri(small), patches=patches)
