from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .fer_results import expression

LEAST_OVERLAP = 0.3
"""Least intersection over union of a face in two frames (ours)."""

PATIENCE = 5
"""Frames after which a lost face is forgotten (ours)."""


@dataclass
class _Track:
    bbox: list[float]  # (4,)
    probs: np.ndarray  # (C,)
    seen: int  # frame


class FaceSmoother:
    """Exponential mean of each face's probabilities over video frames.

    Faces are tracked by the overlap of their boxes. The smoothed
    probabilities are ``smoothing`` times those of the frames before plus
    ``1 - smoothing`` times those of the frame. A new face starts with its
    own.

    Args:
        smoothing (float): In [0, 1); 0 changes nothing.
        classes (Sequence[str]): Class names.

    Raises:
        ValueError: If ``smoothing`` is out of range.
    """

    def __init__(self, smoothing: float, classes: Sequence[str]):
        if not 0 <= smoothing < 1:
            raise ValueError(f'smoothing={smoothing!r} is not in [0, 1)')
        self.smoothing = smoothing
        self.classes = list(classes)
        self._tracks: list[_Track] = []
        self._frame = 0

    def __call__(self, faces: list[dict]) -> list[dict]:
        """Smooth the faces of the next frame.

        Args:
            faces (list[dict]): Faces as :class:`FERInferencer` returns them,
                with ``bbox`` (4, ) and ``pred_scores`` (C, ).

        Returns:
            list[dict]: Copies in the same order, with smoothed scores and
            the class that follows from them.
        """
        pairs = sorted(
            (
                (box_iou(face['bbox'], track.bbox), i, k)
                for i, face in enumerate(faces)
                for k, track in enumerate(self._tracks)
            ),
            reverse=True,
        )
        matched: dict[int, int] = {}
        for overlap, i, k in pairs:
            free = i not in matched and k not in matched.values()
            if free and overlap >= LEAST_OVERLAP:
                matched[i] = k
        smoothed, tracks = [], []
        for i, face in enumerate(faces):
            probs = face['pred_scores']
            if i in matched:
                before = self._tracks[matched[i]].probs
                probs = self.smoothing * before + (1 - self.smoothing) * probs
            tracks.append(_Track(face['bbox'], probs, self._frame))
            smoothed.append(face | expression(probs, self.classes))
        for k, track in enumerate(self._tracks):
            lost = k not in matched.values()
            if lost and self._frame - track.seen <= PATIENCE:
                tracks.append(track)
        self._tracks = tracks
        self._frame += 1
        return smoothed


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Compute the intersection over union of two boxes x1, y1, x2, y2."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = ((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b))
    return shared / (sum(areas) - shared)
