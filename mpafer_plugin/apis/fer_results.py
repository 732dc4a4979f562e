"""Results of an inferencer, and the tables written from them."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..faces.face import Face
from ..utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from pandas import DataFrame

BOX = ('x1', 'y1', 'x2', 'y2')
"""Columns of a face's box."""

LANDMARKS = tuple(
    f'{point}_{axis}'
    for point in ('right_eye', 'left_eye', 'nose', 'mouth_right', 'mouth_left')
    for axis in 'xy'
)
"""Columns of a face's landmarks."""

PREDICTION = ('pred_class', 'pred_label', 'pred_score')
"""Columns of a face's prediction."""


class ImagePrediction(NamedTuple):
    """Faces of an image, or the error that prevented their prediction.

    Args:
        path (str | None): The file; None for an array or a camera.
        faces (list[dict]): See :func:`face_result`.
        error (Exception, optional): Error of the image, which has no faces
            then. Defaults to None.
        frame (tuple[int, float], optional): Number and time in seconds of a
            video frame. Defaults to None.
        explanations (Sequence[FaceExplanation]): One for each face if they
            were asked for, see :meth:`FERInferencer.stream`. Defaults to ().
        kept (Any): Result of ``keep``, see :meth:`FERInferencer.stream`.
            Defaults to None.
    """

    path: str | None
    faces: list[dict]
    error: Exception | None = None
    frame: tuple[int, float] | None = None
    explanations: Sequence[Any] = ()
    kept: Any = None


class FERResults(list):
    """List of images, each a list of faces; a face is a dict.

    See :func:`face_result` for its keys. An image without a face is an empty
    list.

    Args:
        images (Sequence[list[dict]]): Faces of each image.
        paths (Sequence[str | None]): File of each image; None for arrays.
        classes (Sequence[str]): Class names.
        frames (Sequence[tuple | None], optional): Number and time in seconds
            of each image that is a video frame. Defaults to None.
    """

    def __init__(
        self,
        images: Sequence[list[dict]],
        paths: Sequence[str | None],
        classes: Sequence[str],
        frames: Sequence[tuple[int, float] | None] | None = None,
    ):
        super().__init__(images)
        self.paths = list(paths)
        self.classes = list(classes)
        self.frames = list(frames or [None] * len(self))

    @classmethod
    def of(
        cls, predictions: Sequence[ImagePrediction], classes: Sequence[str]
    ) -> 'FERResults':
        """Collect predictions; those with an error have no faces."""
        return cls(
            [prediction.faces for prediction in predictions],
            [prediction.path for prediction in predictions],
            classes,
            [prediction.frame for prediction in predictions],
        )

    def to_json(self, path: str | Path) -> None:
        """Write a list of ``{"path": ..., "faces": [...]}``.

        Video frames have ``frame`` and ``time`` too. Bytes of a file name
        that are not UTF-8 are escaped; Python's json restores them.
        """
        content = [
            dict(
                path=name,
                **_named(frame),
                faces=[
                    face | dict(pred_scores=face['pred_scores'].tolist())
                    for face in faces
                ],
            )
            for name, frame, faces in zip(
                self.paths, self.frames, self, strict=True
            )
        ]
        text = json.dumps(content, indent=1, ensure_ascii=False)
        with atomic_write(Path(path)) as part:
            part.write_text(text + '\n', 'utf-8', 'backslashreplace')

    def to_csv(self, path: str | Path) -> None:
        """Write one line for each face, and one for an image without a face.

        File names are written byte by byte, even if they are not UTF-8.
        """
        with (
            atomic_write(Path(path)) as part,
            part.open(
                'w', encoding='utf-8', errors='surrogateescape', newline=''
            ) as file,
        ):
            writer = csv.DictWriter(file, self._columns())
            writer.writeheader()
            writer.writerows(self._rows())

    def to_dataframe(self) -> 'DataFrame':
        """Return the table of :meth:`to_csv` as a pandas DataFrame.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                'to_dataframe() needs pandas: pip install pandas'
            ) from error
        return pandas.DataFrame(list(self._rows()), columns=self._columns())

    def _columns(self) -> list[str]:
        return [
            *('picture', 'path', 'frame', 'time', 'face'),
            *BOX,
            'face_score',
            *LANDMARKS,
            *PREDICTION,
            *(f'prob_{name}' for name in self.classes),
        ]

    def _rows(self) -> Iterator[dict]:
        for number, (path, frame, faces) in enumerate(
            zip(self.paths, self.frames, self, strict=True)
        ):
            image = dict(picture=number, path=path, **_named(frame))
            if not faces:
                yield image
            for index, face in enumerate(faces):
                points = face['landmarks'] or [(None, None)] * 5
                yield dict(
                    image,
                    face=index,
                    **dict(zip(BOX, face['bbox'], strict=True)),
                    **dict(zip(LANDMARKS, chain(*points), strict=True)),
                    **{key: face[key] for key in ('face_score', *PREDICTION)},
                    **{f'prob_{n}': p for n, p in face['probs'].items()},
                )


def _named(frame: tuple[int, float] | None) -> dict:
    return {} if frame is None else dict(frame=frame[0], time=frame[1])


def face_result(
    face: Face, detected: bool, probs: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Format the prediction of a face.

    Args:
        face (Face): Its box and landmarks.
        detected (bool): Whether a detector found it.
        probs (np.ndarray): Class probabilities, (C,).
        classes (Sequence[str]): Class names.

    Returns:
        dict: ``bbox`` [x1, y1, x2, y2] in pixels, ``face_score`` in [0, 1]
        (None without a detector), ``landmarks`` five [x, y] or None, and the
        keys of :func:`expression`.
    """
    points = face.landmarks
    return dict(
        bbox=face.bbox.tolist(),
        face_score=face.score if detected else None,
        landmarks=None if points is None else points.tolist(),
        **expression(probs, classes),
    )


def expression(probs: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Format class probabilities, (C,).

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
