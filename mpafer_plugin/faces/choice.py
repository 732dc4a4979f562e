from collections.abc import Sequence

import numpy as np

from .face import Face

SEVERAL_RULE = 'largest'
"""The rule's name in a crop contract."""


def choose_face(faces: Sequence[Face], shape: tuple[int, ...]) -> Face | None:
    """Choose the face that a picture with one label is about.

    It is the one with the largest box; among equals the one nearest to the
    picture's centre; then the one that comes first.

    Args:
        faces (Sequence[Face]): Those of one picture.
        shape (tuple[int, ...]): The picture's, (H, W, ...).

    Returns:
        Face | None: The face; None if there is none.
    """
    centre = np.array([shape[1], shape[0]]) / 2  # boxes are edges

    def order(face: Face) -> tuple[float, float]:
        middle = (face.bbox[:2] + face.bbox[2:]) / 2
        distance = float(np.linalg.norm(middle - centre))
        return -face.width * face.height, distance

    return min(faces, key=order, default=None)
