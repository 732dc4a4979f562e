"""What predict.py does with its inputs."""

import argparse
from pathlib import Path

import cv2
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mpafer_plugin.apis import FERInferencer, FERResults, ImagePrediction
from mpafer_plugin.apis.face_stream import IMAGE_ERRORS
from mpafer_plugin.faces import FaceCrop, read_image
from mpafer_plugin.visualization import draw_explanations, draw_predictions

from .plan import TABLES, Plan, Work
from .video_writer import VideoWriter


class Predictor:
    """Predict, draw and collect, input by input.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.
        console (Console): Where progress and failures go.

    Attributes:
        images (int): Images and frames that were predicted.
        failed (int): Inputs that were not, or not to their end.
        undrawn (int): Predicted images whose drawing failed.

    Raises:
        ValueError: If arguments don't fit together, or ``args.explain`` is
            not possible; nothing is written then.
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
        if args.explain:
            self.inferencer.check_explainable()
        self.plan.out.mkdir(parents=True, exist_ok=True)
        # A camera may run for days: faces are kept for tables alone.
        self.has_table = args.json or args.csv
        self.done: list[ImagePrediction] = []
        self.images = self.faces = self.empty = 0
        self.drawn = self.undrawn = self.failed = 0

    @property
    def gives_nothing(self) -> bool:
        """Whether there is neither a drawing nor a line of a table."""
        return not (self.drawn or (self.has_table and self.images))

    def run(self, progress: Progress) -> None:
        """Go through all inputs."""
        for remark in self.plan.remarks:
            self.console.print(remark, markup=False, soft_wrap=True)
        for reason in self.plan.failures:
            self.fail(reason)
        images = [work for work in self.plan.works if not work.is_video]
        task = progress.add_task('images', total=len(images))
        stream = self.inferencer.stream([work.source for work in images])
        for work, prediction in zip(images, stream, strict=True):
            if prediction.error is None:
                self.keep(prediction)
                self.try_to_draw(work, prediction.faces)
            else:
                text = str(prediction.error)
                named = str(work.source) in text
                self.fail(text if named else f'{work.source!r}: {text}')
            progress.advance(task)
        for work in self.plan.works:
            if work.is_video:
                self.video(work, progress)

    def keep(self, prediction: ImagePrediction) -> None:
        """Count a prediction, and keep it for the tables if there are any."""
        self.images += 1
        self.faces += len(prediction.faces)
        self.empty += not prediction.faces
        if self.has_table:
            self.done.append(prediction)

    def try_to_draw(self, work: Work, faces: list[dict]) -> None:
        """Draw an image; where that fails report it, and go on."""
        try:
            self.draw(work, faces)
        except IMAGE_ERRORS as reason:
            self.undrawn += 1
            self.report(
                f'{work.source!r} is predicted, but not drawn: {reason}'
            )
        else:
            self.drawn += 1

    def draw(self, work: Work, faces: list[dict]) -> None:
        """Write what was found in an image, and why."""
        image = read_image(str(work.source))
        drawn = draw_predictions(image, faces)
        work.place.parent.mkdir(parents=True, exist_ok=True)
        # Not by OpenCV, which does not say why a file cannot be written.
        content = cv2.imencode(work.place.suffix, drawn)[1].tobytes()
        work.place.write_bytes(content)
        if self.args.explain and faces:
            explained = self.inferencer.explain(image)
            draw_explanations(image, explained, str(work.why))
        if self.args.show:
            cv2.imshow('mpafer', drawn)
            cv2.waitKey(0)

    def video(self, work: Work, progress: Progress) -> None:
        """Write a video or camera again, with what was found in it."""
        name = str(work.source)
        if isinstance(work.source, int):
            name = f'camera_{work.source}'
        task = progress.add_task(escape(Path(name).name), total=None)
        writer = VideoWriter(work.place, work.source)
        try:
            for frame, faces in self.inferencer.watch(
                work.source, self.args.smoothing
            ):
                self.keep(ImagePrediction(name, faces, frame=frame[:2]))
                drawn = draw_predictions(
                    frame.image, faces, 1, len(self.inferencer.classes)
                )
                writer.write(drawn, frame.time)
                self.drawn += 1
                progress.advance(task)
                if self.args.show:
                    cv2.imshow('mpafer', drawn)
                    cv2.waitKey(1)
        except IMAGE_ERRORS as reason:
            self.fail(str(reason))
        finally:
            writer.close()
        progress.update(task, total=progress.tasks[task].completed)

    def fail(self, reason: str) -> None:
        """Report what could not be read, and go on."""
        self.failed += 1
        self.report(reason)

    def report(self, reason: str) -> None:
        """Say what failed."""
        self.console.print(
            f'failed: {reason}', style='red', markup=False, soft_wrap=True
        )

    def finish(self) -> None:
        """Write the tables, and say what there is.

        Raises:
            OSError: If a table cannot be written; the other one is there.
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
        undrawn = f', {self.undrawn} drawings failed' if self.undrawn else ''
        self.console.print(
            f'{self.images} images, {self.faces} faces; {self.empty} '
            f'images without a face; {self.failed} inputs failed{undrawn}. '
            f'See {self.plan.out}',
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        if errors:
            raise OSError('; '.join(errors))
