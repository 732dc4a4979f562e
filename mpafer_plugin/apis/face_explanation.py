from collections.abc import Sequence
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
    faces: Sequence[PreparedFace],
    model: ImageClassifier,
    classes: Sequence[str],
    batch_size: int,
) -> list[FaceExplanation]:
    """Find the patches that decided, for each face by itself.

    Args:
        faces (Sequence[PreparedFace]): Those of a picture.
        model (ImageClassifier): See :func:`explain`.
        classes (Sequence[str]): Names of the classes.
        batch_size (int): Faces that go through the model together.

    Returns:
        list[FaceExplanation]: In their order.
    """
    explained = []
    for start in range(0, len(faces), batch_size):
        batch = faces[start : start + batch_size]
        data = pseudo_collate([face.packed for face in batch])
        images = model.data_preprocessor(data)['inputs']
        found = explain(model, images)
        scores = found.probs.float().cpu().numpy()
        for index, (face, probs) in enumerate(zip(batch, scores, strict=True)):
            explained.append(
                FaceExplanation(
                    face_result(face.face, face.scored, probs, classes),
                    found.of(index),
                    face.matrix,
                    face.size,
                )
            )
    return explained
