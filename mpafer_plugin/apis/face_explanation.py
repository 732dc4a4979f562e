from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.dataset import pseudo_collate
from mmpretrain.models import ImageClassifier

from .explanation import Explanation, explain
from .face_preparation import PreparedFace
from .face_result import face_result


class FaceExplanation(NamedTuple):
    """What the patches of a face had to do with its prediction.

    Args:
        face (dict): See :func:`face_result`.
        explanation (Explanation): Of this one face, B = 1.
        matrix (np.ndarray): (2, 3), from the picture to the crop, in which
            the patches lie.
        size (tuple[int, int]): Width and height of the crop in pixels.
    """

    face: dict
    explanation: Explanation
    matrix: np.ndarray
    size: tuple[int, int]


def explain_faces(
    faces: Iterable[PreparedFace],
    model: ImageClassifier,
    forward: Callable[[list[dict]], np.ndarray],
    classes: Sequence[str],
) -> list[FaceExplanation]:
    """Find the patches that decided, for each face by itself.

    Args:
        faces (Iterable[PreparedFace]): Those of a picture.
        model (ImageClassifier): See :func:`explain`.
        forward (Callable): From F inputs to probabilities (F, C).
        classes (Sequence[str]): Names of the classes.

    Returns:
        list[FaceExplanation]: In their order.
    """
    explained = []
    for face in faces:
        (probs,) = forward([face.packed])
        data = pseudo_collate([face.packed])
        images = model.data_preprocessor(data)['inputs']
        explained.append(
            FaceExplanation(
                face_result(face.face, face.scored, probs, classes),
                explain(model, images),
                face.matrix,
                face.size,
            )
        )
    return explained
