import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mpafer_plugin.faces import Face
from mpafer_plugin.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from pandas import DataFrame


class ImagePrediction(NamedTuple):
    """An image's faces, or why it has none to show.

    Args:
        path (str | None): The file; None for an array.
        faces (list[dict]): See :func:`face_result`.
        error (Exception, optional): Why there are none: it could not be
            read, or not be made fit for the model.
        frame (tuple[int, float], optional): Of a frame of a video, its number
            and its time in seconds.
    """

    path: str | None
    faces: list[dict]
    error: Exception | None = None
    frame: tuple[int, float] | None = None


class FERResults(list):
    """Results of images: for each a list of faces, empty without a face.

    A face is a dict, see :func:`face_result`.

    Args:
        images (Sequence[list[dict]]): The faces of each image.
        paths (Sequence[str | None]): Their files; None for arrays.
        classes (Sequence[str]): Names of the classes.
        frames (Sequence[tuple | None], optional): Number and seconds of the
            images that are frames of a video. Defaults to None.
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
        """Collect predictions; of one with an error there are no faces."""
        return cls(
            [prediction.faces for prediction in predictions],
            [prediction.path for prediction in predictions],
            classes,
            [prediction.frame for prediction in predictions],
        )

    def to_json(self, path: str | Path) -> None:
        """Write a list of ``{"path": ..., "faces": [...]}``.

        Frames of a video have ``frame`` and ``time`` too. What of a file's
        name is not UTF-8 is escaped, and Python reads back the same name.
        """
        content = [
            dict(path=name, **_named(frame), faces=as_json(faces))
            for name, frame, faces in zip(
                self.paths, self.frames, self, strict=True
            )
        ]
        text = json.dumps(content, indent=1, ensure_ascii=False)
        with _whole_text(path, 'backslashreplace') as file:
            file.write(text + '\n')

    def to_csv(self, path: str | Path) -> None:
        """Write a line for each face; an image without has one line too.

        Names of files are written as they are, also if that is not UTF-8.
        """
        with _whole_text(path, 'surrogateescape') as file:
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
            image = dict(picture=number, path=path, **_named(frame))
            if not faces:
                yield image
            for index, face in enumerate(faces):
                points = face['landmarks'] or [[None, None]] * len(POINTS)
                yield dict(
                    image,
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


@contextmanager
def _whole_text(path: str | Path, errors: str) -> Iterator[IO[str]]:
    with (
        atomic_write(Path(path)) as part,
        part.open('w', newline='', encoding='utf-8', errors=errors) as file,
    ):
        yield file


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
    """Make the faces of an image fit for JSON."""
    return [
        face | dict(pred_scores=face['pred_scores'].tolist()) for face in faces
    ]
