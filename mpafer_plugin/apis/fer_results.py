import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from mpafer_plugin.whole_file import whole_file

from .face_result import POINTS, as_json

if TYPE_CHECKING:
    from pandas import DataFrame


class PicturePrediction(NamedTuple):
    """A picture's faces, or why it has none to show.

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

    @classmethod
    def of(
        cls, predictions: Sequence[PicturePrediction], classes: Sequence[str]
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
        """Write a line for each face; a picture without has one line too.

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


@contextmanager
def _whole_text(path: str | Path, errors: str) -> Iterator[IO[str]]:
    with (
        whole_file(Path(path)) as part,
        part.open('w', newline='', encoding='utf-8', errors=errors) as file,
    ):
        yield file
