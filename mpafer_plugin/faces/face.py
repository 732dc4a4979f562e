import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Face:
    """Detected face: box, score and landmarks.

    Coordinates are in pixels of the upright image (EXIF orientation applied)
    and may lie outside of it.

    Args:
        bbox (np.ndarray): (4,) x1, y1, x2, y2, float: edges, so [0, 0, W, H]
            is the whole image.
        score (float): Confidence of the detector, in [0, 1]. Defaults to 1,
            for a given box.
        landmarks (np.ndarray, optional): (5, 2) x and y of right eye, left
            eye, tip of the nose, right and left corner of the mouth; whole
            numbers are the centres of pixels, so (0, 0) is half a pixel
            inside of a box's edge at 0. Right and left are the person's own:
            the right eye is on the left of the image. Defaults to None,
            for a given box.
    """

    bbox: np.ndarray
    score: float = 1.0
    landmarks: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, shape in (('bbox', (4,)), ('landmarks', (5, 2))):
            value = getattr(self, name)
            if value is None and name == 'landmarks':
                continue
            array = np.asarray(value, dtype=float)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(
                    f'{name} of a face: {reprlib.repr(value)} is not {shape} '
                    'numbers'
                )
            object.__setattr__(self, name, array)
        if self.width <= 0 or self.height <= 0:
            raise ValueError(
                f'bbox of a face: {self.bbox.tolist()} is empty; it is x1, '
                'y1, x2, y2'
            )

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return float(self.bbox[2] - self.bbox[0])

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return float(self.bbox[3] - self.bbox[1])


SEVERAL_RULE = 'largest'
"""Name of the rule of :func:`select_face` in a crop config."""


def select_face(faces: Sequence[Face], shape: tuple[int, ...]) -> Face | None:
    """Select the face that stands for an image with one label.

    The face with the largest box is selected; among equals the one nearest to
    the centre of the image, then the first.

    Args:
        faces (Sequence[Face]): Faces of one image.
        shape (tuple[int, ...]): Shape of the image, (H, W, ...).

    Returns:
        Face | None: The face; None if there is none.
    """
    centre = np.array([shape[1], shape[0]]) / 2  # boxes are edges

    def order(face: Face) -> tuple[float, float]:
        middle = (face.bbox[:2] + face.bbox[2:]) / 2
        distance = float(np.linalg.norm(middle - centre))
        return -face.width * face.height, distance

    return min(faces, key=order, default=None)
