import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mpafer_plugin.faces import Face

if TYPE_CHECKING:
    from pandas import DataFrame

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


class PicturePrediction(NamedTuple):
    """A picture's faces, or why it has none to show.

    Args:
        path (str | None): The file; None for an array.
        faces (list[dict]): See :func:`face_result`.
        error (ValueError | OSError | None): Why it could not be read.
    """

    path: str | None
    faces: list[dict]
    error: ValueError | OSError | None = None


class FERResults(list):
    """Results of pictures: for each a list of faces, empty without a face.

    A face is a dict, see :func:`face_result`.

    Args:
        pictures (Sequence[list[dict]]): The faces of each picture.
        paths (Sequence[str | None]): Their files; None for arrays.
        classes (Sequence[str]): Names of the classes.
        frames (Sequence[tuple | None], optional): Number and seconds of the
            pictures that are frames of a video. Defaults to None.
    """

    def __init__(
        self,
        pictures: Sequence[list[dict]],
        paths: Sequence[str | None],
        classes: Sequence[str],
        frames: Sequence[tuple[int, float] | None] | None = None,
    ):
        super().__init__(pictures)
        self.paths = list(paths)
        self.classes = list(classes)
        self.frames = list(frames or [None] * len(self))

    def to_json(self, path: str | Path) -> None:
        """Write a list of ``{"path": ..., "faces": [...]}``.

        Frames of a video have ``frame`` and ``time`` too.
        """
        content = [
            dict(path=name, **_named(frame), faces=as_json(faces))
            for name, frame, faces in zip(
                self.paths, self.frames, self, strict=True
            )
        ]
        text = json.dumps(content, indent=1, ensure_ascii=False)
        Path(path).write_text(text + '\n', encoding='utf-8')

    def to_csv(self, path: str | Path) -> None:
        """Write a line for each face; a picture without has one line too."""
        with open(path, 'w', newline='', encoding='utf-8') as file:
            writer = csv.DictWriter(file, self._columns())
            writer.writeheader()
            writer.writerows(self._rows())

    def to_dataframe(self) -> 'DataFrame':
        """The table of :meth:`to_csv` as a pandas DataFrame.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                'to_dataframe() needs pandas. Type: pip install pandas'
            ) from error
        return pandas.DataFrame(list(self._rows()), columns=self._columns())

    def _columns(self) -> list[str]:
        return [
            'picture',
            'path',
            'frame',
            'time',
            'face',
            'x1',
            'y1',
            'x2',
            'y2',
            'face_score',
            *(f'{point}_{axis}' for point in POINTS for axis in 'xy'),
            'pred_class',
            'pred_label',
            'pred_score',
            *(f'prob_{name}' for name in self.classes),
        ]

    def _rows(self) -> Iterator[dict]:
        for number, (path, frame, faces) in enumerate(
            zip(self.paths, self.frames, self, strict=True)
        ):
            picture = dict(picture=number, path=path, **_named(frame))
            if not faces:
                yield picture
            for index, face in enumerate(faces):
                points = face['landmarks'] or [[None, None]] * len(POINTS)
                yield dict(
                    picture,
                    face=index,
                    **dict(
                        zip(
                            ('x1', 'y1', 'x2', 'y2'), face['bbox'], strict=True
                        )
                    ),
                    **{
                        f'{name}_{axis}': value
                        for name, point in zip(POINTS, points, strict=True)
                        for axis, value in zip('xy', point, strict=True)
                    },
                    **{
                        key: face[key]
                        for key in (
                            'face_score',
                            'pred_class',
                            'pred_label',
                            'pred_score',
                        )
                    },
                    **{f'prob_{n}': p for n, p in face['probs'].items()},
                )


def _named(frame: tuple[int, float] | None) -> dict:
    return {} if frame is None else dict(frame=frame[0], time=frame[1])
