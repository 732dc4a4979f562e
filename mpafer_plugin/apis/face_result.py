from collections.abc import Sequence
from typing import Any

import numpy as np

from mpafer_plugin.faces import Face

POINTS = ('right_eye', 'left_eye', 'nose', 'mouth_right', 'mouth_left')


def face_result(
    face: Face, scored: bool, probs: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Put what is known of a face into the one shape that results have.

    Args:
        face (Face): Where it is.
        scored (bool): Whether a detector found it.
        probs (np.ndarray): Probabilities of the classes, (C,).
        classes (Sequence[str]): Their names.

    Returns:
        dict: ``bbox`` [x1, y1, x2, y2] in pixels, ``face_score`` in [0, 1]
        (None without a detector), ``landmarks`` five [x, y] or None, and as
        of :func:`expression`.
    """
    points = face.landmarks
    return dict(
        bbox=face.bbox.tolist(),
        face_score=face.score if scored else None,
        landmarks=None if points is None else points.tolist(),
        **expression(probs, classes),
    )


def expression(probs: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Name the likeliest class, and all probabilities.

    Returns:
        dict: ``pred_class``, ``pred_label``, ``pred_score``, ``probs`` (name
        to probability) and mmpretrain's ``pred_scores`` (C,).
    """
    label = int(probs.argmax())
    return dict(
        pred_class=classes[label],
        pred_label=label,
        pred_score=float(probs[label]),
        probs=dict(zip(classes, probs.tolist(), strict=True)),
        pred_scores=probs,
    )


def as_json(faces: list[dict]) -> list[dict]:
    """Make the faces of a picture fit for JSON."""
    return [
        face | dict(pred_scores=face['pred_scores'].tolist()) for face in faces
    ]
