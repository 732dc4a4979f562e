"""What predict.py does with its inputs."""

import argparse
from pathlib import Path

import cv2
from _film_writer import FilmWriter
from _predict_plan import TABLES, Plan, Work
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mpafer_plugin.apis import FERInferencer, FERResults, PicturePrediction
from mpafer_plugin.apis.face_stream import PICTURE_ERRORS
from mpafer_plugin.faces import FaceCrop, read_picture
from mpafer_plugin.visualization import draw_explanations, draw_predictions


class Predictor:
    """Predict, draw and collect, input by input.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.
        console (Console): Where progress and failures go.
    """

    def __init__(self, args: argparse.Namespace, console: Console):
        self.args = args
        self.console = console
        self.plan = Plan(args)
        # --weights is read as data, whatever its name; only --config is code.
        self.inferencer = FERInferencer(
            args.config,
            args.weights,
            device=args.device,
            face=args.face,
            batch_size=args.batch_size,
            face_model=args.face_model,
            clip=args.clip,
            face_crop=None
            if args.margin is None
            else FaceCrop(margin=args.margin),
        )
        self.plan.out.mkdir(parents=True, exist_ok=True)
        self.done: list[PicturePrediction] = []
        self.failed = 0

    def run(self, progress: Progress) -> None:
        """Go through all inputs."""
        for remark in self.plan.remarks:
            self.console.print(remark, markup=False, soft_wrap=True)
        for reason in self.plan.failures:
            self.fail(reason)
        pictures = [work for work in self.plan.works if not work.is_film]
        task = progress.add_task('pictures', total=len(pictures))
        stream = self.inferencer.stream([work.source for work in pictures])
        for work, prediction in zip(pictures, stream, strict=True):
            try:
                if prediction.error is not None:
                    raise prediction.error
                self.draw(work, prediction.faces)
                self.done.append(prediction)
            except PICTURE_ERRORS as reason:
                text = str(reason)
                named = str(work.source) in text
                self.fail(text if named else f'{work.source!r}: {text}')
            progress.advance(task)
        for work in self.plan.works:
            if work.is_film:
                self.film(work, progress)

    def draw(self, work: Work, faces: list[dict]) -> None:
        """Write what was found in a picture, and why."""
        picture = read_picture(str(work.source))
        drawn = draw_predictions(picture, faces)
        work.place.parent.mkdir(parents=True, exist_ok=True)
        # Not by OpenCV, which does not say why a file can't be written.
        content = cv2.imencode(work.place.suffix, drawn)[1].tobytes()
        work.place.write_bytes(content)
        if self.args.explain and faces:
            explained = self.inferencer.explain(picture)
            draw_explanations(picture, explained, str(work.why))
        if self.args.show:
            cv2.imshow('mpafer', drawn)
            cv2.waitKey(0)

    def film(self, work: Work, progress: Progress) -> None:
        """Write a video or camera again, with what was found in it."""
        name = str(work.source)
        if isinstance(work.source, int):
            name = f'camera_{work.source}'
        task = progress.add_task(escape(Path(name).name), total=None)
        writer = FilmWriter(work.place, work.source)
        try:
            for frame, faces in self.inferencer.watch(
                work.source, self.args.smoothing
            ):
                drawn = draw_predictions(
                    frame.picture, faces, 1, len(self.inferencer.classes)
                )
                writer.write(drawn, frame.time)
                self.done.append(
                    PicturePrediction(name, faces, frame=frame[:2])
                )
                progress.advance(task)
                if self.args.show:
                    cv2.imshow('mpafer', drawn)
                    cv2.waitKey(1)
        except PICTURE_ERRORS as reason:
            self.fail(str(reason))
        finally:
            writer.close()
        progress.update(task, total=progress.tasks[task].completed)

    def fail(self, reason: str) -> None:
        """Report what could not be read, and go on."""
        self.failed += 1
        self.console.print(
            f'failed: {reason}', style='red', markup=False, soft_wrap=True
        )

    def finish(self) -> None:
        """Write the tables, and say what there is.

        Raises:
            OSError: If a table can't be written; the other one is there.
        """
        results = FERResults.of(self.done, self.inferencer.classes)
        writers = dict(json=results.to_json, csv=results.to_csv)
        errors = []
        for kind, write in writers.items():
            if getattr(self.args, kind):
                try:
                    write(self.plan.out / TABLES[kind])
                except OSError as error:
                    errors.append(str(error))
        number = sum(map(len, results))
        empty = sum(not found for found in results)
        self.console.print(
            f'{len(results)} pictures, {number} faces; {empty} pictures '
            f'without a face; {self.failed} inputs failed. See '
            f'{self.plan.out}',
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        if errors:
            raise OSError('; '.join(errors))
