"""What predict.py does with its inputs."""

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.apis import FERInferencer, FERResults
from mpafer_plugin.apis.picture_sources import is_video, pictures_of
from mpafer_plugin.faces import read_picture
from mpafer_plugin.visualization import draw_explanations, draw_predictions

FRAMES_A_SECOND = 25  # of a video or camera that does not say


class Predictor:
    """Predict, draw and collect, input by input.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.
        console (Console): Where progress and failures go.
    """

    def __init__(self, args: argparse.Namespace, console: Console):
        self.args = args
        self.console = console
        self.out = Path(args.out)
        self.inferencer = FERInferencer(
            args.config or args.weights,
            args.weights if args.config else None,
            device=args.device,
            face=args.face,
            batch_size=args.batch_size,
            face_model=args.face_model,
            clip=args.clip,
        )
        self.rows: list[tuple] = []  # path, frame, faces
        self.failed = 0
        self._names: set[Path] = set()

    def run(self, progress: Progress) -> None:
        """Go through all inputs."""
        pictures = []
        for source in self.args.inputs:
            if source.isdecimal() and not os.path.exists(source):
                self.film(int(source), progress)
            elif is_video(source):
                self.film(source, progress)
            else:
                found = [path for path, _ in pictures_of(source)]
                if not found:
                    self.fail(f'{source!r}: there is no picture in it')
                pictures += found
        task = progress.add_task('pictures', total=len(pictures))
        for path, faces, error in self.inferencer.stream(pictures):
            try:
                if error is not None:
                    raise error
                self.draw(path, faces)
                self.rows.append((path, None, faces))
            except (ValueError, OSError) as reason:
                text = str(reason)
                self.fail(text if path in text else f'{path!r}: {text}')
            progress.advance(task)

    def draw(self, path: str, faces: list[dict]) -> None:
        """Write what was found in a picture, and why."""
        picture = read_picture(path)
        place = self.place(path, '.png')
        drawn = draw_predictions(picture, faces)
        write(place, drawn)
        if self.args.explain and faces:
            draw_explanations(
                picture,
                self.inferencer.explain(picture),
                str(place.with_name(f'{place.stem}_why.png')),
            )
        if self.args.show:
            cv2.imshow('mpafer', drawn)
            cv2.waitKey(0)

    def film(self, source: str | int, progress: Progress) -> None:
        """Write a video or camera again, with what was found in it."""
        name = f'camera_{source}' if isinstance(source, int) else source
        task = progress.add_task(Path(name).name, total=None)
        place = self.place(name, '.mp4')
        writer = None
        try:
            for frame, faces in self.inferencer.watch(
                source, self.args.smoothing
            ):
                drawn = draw_predictions(
                    frame.picture, faces, 1, len(self.inferencer.classes)
                )
                if writer is None:
                    writer = open_video(place, drawn, rate(source))
                writer.write(drawn)
                self.rows.append((name, frame[:2], faces))
                progress.advance(task)
                if self.args.show:
                    cv2.imshow('mpafer', drawn)
                    cv2.waitKey(1)
        except (ValueError, OSError) as reason:
            self.fail(str(reason))
        finally:
            if writer is not None:
                writer.release()
        progress.update(task, total=progress.tasks[task].completed)

    def fail(self, reason: str) -> None:
        """Report what could not be read, and go on."""
        self.failed += 1
        self.console.print(
            f'failed: {reason}', style='red', markup=False, soft_wrap=True
        )

    def place(self, path: str, ending: str) -> Path:
        """Choose where the drawing of an input goes; no two share one."""
        below = [
            Path(path).relative_to(folder)
            for folder in self.args.inputs
            if os.path.isdir(folder) and Path(path).is_relative_to(folder)
        ]
        stem = (below[0] if below else Path(Path(path).name)).with_suffix('')
        place, number = self.out / f'{stem}{ending}', 2
        while place in self._names:
            place = self.out / f'{stem}_{number}{ending}'
            number += 1
        self._names.add(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def finish(self) -> None:
        """Write the tables, and say what there is."""
        paths, frames, faces = zip(*self.rows, strict=True)
        results = FERResults(faces, paths, self.inferencer.classes, frames)
        if self.args.json:
            results.to_json(self.out / 'predictions.json')
        if self.args.csv:
            results.to_csv(self.out / 'predictions.csv')
        number = sum(map(len, results))
        empty = sum(not found for found in results)
        self.console.print(
            f'{len(results)} pictures, {number} faces; {empty} pictures '
            f'without a face; {self.failed} inputs failed. See {self.out}',
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def write(place: Path, picture: np.ndarray) -> None:
    """Write a picture; an OSError says why it did not work."""
    place.write_bytes(cv2.imencode(place.suffix, picture)[1].tobytes())


def rate(source: str | int) -> float:
    """Frames a second of a video."""
    capture = cv2.VideoCapture(source) if isinstance(source, str) else None
    found = capture.get(cv2.CAP_PROP_FPS) if capture else 0
    return found or FRAMES_A_SECOND


def open_video(
    place: Path, picture: np.ndarray, frames_a_second: float
) -> cv2.VideoWriter:
    """Open a file to write pictures of one size into."""
    height, width = picture.shape[:2]
    code = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(
        str(place), code, frames_a_second, (width, height)
    )
    if not writer.isOpened():
        raise OSError(f'{str(place)!r} can not be written as a video')
    return writer
