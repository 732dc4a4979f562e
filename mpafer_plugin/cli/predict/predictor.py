"""Predictions of a plan's inputs, drawn and collected."""

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mpafer_plugin.apis import FERInferencer, FERResults, ImagePrediction
from mpafer_plugin.apis.face_pipeline import PreparedFace
from mpafer_plugin.apis.face_stream import IMAGE_ERRORS
from mpafer_plugin.apis.frames import is_camera, without_password
from mpafer_plugin.apis.predict_options import (
    SOME_FAILED,
    STOPPED,
    SUCCESS,
)
from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.visualization import (
    FaceView,
    draw_explanations,
    draw_predictions,
    shrink,
    view_faces,
)

from .plan import TABLES, Plan, Work
from .video_writer import VideoWriter, output_rate


class View(NamedTuple):
    """Parts of a decoded image that its drawings need.

    Args:
        image (np.ndarray): The image, scaled down if it is large.
        shape (tuple[int, ...]): Original shape, (H, W, 3).
        faces (list[FaceView]): Surroundings of each face, with --explain.
    """

    image: np.ndarray
    shape: tuple[int, ...]
    faces: list[FaceView]


class Predictor:
    """Predict, draw and collect the inputs one by one.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.
        console (Console): For progress and errors.

    Attributes:
        images (int): Predicted images and frames.
        failed (int): Inputs that were not predicted, or not completely.
        undrawn (int): Predicted images that could not be drawn.

    Raises:
        ValueError: If the arguments do not fit together, or ``args.explain``
            is not possible; nothing is written then.
    """

    def __init__(self, args: argparse.Namespace, console: Console):
        self.args = args
        self.console = console
        self.plan = Plan(args)
        margin = args.margin
        # --weights is never executed, whatever its name; --config is.
        self.inferencer = FERInferencer(
            args.config,
            args.weights,
            device=args.device,
            dtype=args.dtype,
            face=args.face,
            batch_size=args.batch_size,
            face_model=args.face_model,
            clip=args.clip,
            classes=args.classes,
            calibrated=args.calibrated,
            face_crop=None if margin is None else FaceCrop(margin=margin),
        )
        if args.explain:
            self.inferencer.check_explainable()
        self.plan.out.mkdir(parents=True, exist_ok=True)
        # A camera may run for days: collect predictions for tables only.
        self.has_table = args.json or args.csv
        self.done: list[ImagePrediction] = []
        self.images = self.faces = self.empty = 0
        self.drawn = self.undrawn = self.failed = 0

    @property
    def exit_code(self) -> int:
        """Exit code once all inputs were read."""
        if not (self.failed or self.undrawn):
            return SUCCESS
        # Neither a drawing nor a row of a table is a failure as a whole.
        gives_nothing = not (self.drawn or (self.has_table and self.images))
        return STOPPED if gives_nothing else SOME_FAILED

    def run(self, progress: Progress) -> None:
        """Predict all inputs."""
        for remark in self.plan.remarks:
            self.remark(remark)
        for reason in self.plan.failures:
            self.fail(reason)
        images = [work for work in self.plan.works if not work.is_video]
        task = progress.add_task('images', total=len(images))
        stream = self.inferencer.stream(
            [work.source for work in images],
            explain=self.args.explain,
            keep=self.view,
        )
        for work, prediction in zip(images, stream, strict=True):
            if prediction.error is None:
                self.collect(prediction)
                self.draw(work, prediction)
            else:
                text = str(prediction.error)
                named = str(work.source) in text
                self.fail(text if named else f'{work.source!r}: {text}')
            progress.advance(task)
        for work in self.plan.works:
            if work.is_video:
                self.video(work, progress)

    def view(
        self, image: np.ndarray, faces: list[PreparedFace]
    ) -> View | Exception:
        """Reduce a decoded image to its :class:`View`, in a reading thread.

        An error is returned, not raised: it only concerns the drawing.
        """
        try:
            around = view_faces(image, faces) if self.args.explain else []
            return View(shrink(image), image.shape, around)
        except IMAGE_ERRORS as error:
            return error

    def collect(self, prediction: ImagePrediction) -> None:
        """Count a prediction, and store it if a table is written."""
        self.images += 1
        self.faces += len(prediction.faces)
        self.empty += not prediction.faces
        if self.has_table:
            self.done.append(prediction._replace(explanations=(), kept=None))

    def draw(self, work: Work, prediction: ImagePrediction) -> None:
        """Write the drawings of an image; report an error and continue."""
        view = prediction.kept
        try:
            if isinstance(view, Exception):
                raise view
            drawn = draw_predictions(
                view.image, prediction.faces, shape=view.shape
            )
            work.place.parent.mkdir(parents=True, exist_ok=True)
            # cv2.imwrite would not say why a file cannot be written.
            content = cv2.imencode(work.place.suffix, drawn)[1].tobytes()
            work.place.write_bytes(content)
            if prediction.explanations:
                draw_explanations(
                    view.faces, prediction.explanations, str(work.why)
                )
            self.show(drawn, wait=0)
        except IMAGE_ERRORS as reason:
            self.undrawn += 1
            self.report(
                f'{work.source!r} is predicted, but not drawn: {reason}'
            )
        else:
            self.drawn += 1

    def video(self, work: Work, progress: Progress) -> None:
        """Predict a video or camera, and write its drawn frames."""
        name, every = without_password(str(work.source)), self.args.every
        if is_camera(work.source):
            name = f'camera_{work.source}'
        task = progress.add_task(escape(Path(name).name), total=None)
        writer = VideoWriter(work.place, output_rate(work.source, every))
        try:
            for frame, faces in self.inferencer.watch(
                work.source, self.args.smoothing, every
            ):
                self.collect(ImagePrediction(name, faces, frame=frame[:2]))
                drawn = draw_predictions(
                    frame.image, faces, 1, len(self.inferencer.classes)
                )
                writer.write(drawn, frame.time)
                self.drawn += 1
                progress.advance(task)
                self.show(drawn, wait=1)
        except IMAGE_ERRORS as reason:
            self.fail(str(reason))
        finally:
            writer.close()
            if writer.codec:
                self.remark(f'{work.place}: {writer.codec}, without sound')
        progress.update(task, total=progress.tasks[task].completed)

    def show(self, drawn: np.ndarray, wait: int) -> None:
        """With --show, show a drawing for some ms; 0 is until a key."""
        if self.args.show:
            cv2.imshow('mpafer', drawn)
            cv2.waitKey(wait)

    def fail(self, reason: str) -> None:
        """Count and report an input that failed."""
        self.failed += 1
        self.report(reason)

    def remark(self, text: str) -> None:
        """Print what is no error."""
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def report(self, reason: str) -> None:
        """Print an error."""
        self.console.print(
            f'failed: {reason}', style='red', markup=False, soft_wrap=True
        )

    def finish(self) -> None:
        """Write the tables and print a summary.

        Raises:
            OSError: If a table cannot be written; the other one is written.
        """
        results = FERResults.of(self.done, self.inferencer.classes)
        errors = []
        for kind, name in TABLES.items():
            if getattr(self.args, kind):
                write = getattr(results, f'to_{kind}')
                try:
                    write(self.plan.out / name)
                except OSError as error:
                    errors.append(str(error))
        undrawn = f', {self.undrawn} drawings failed' if self.undrawn else ''
        self.remark(
            f'{self.images} images, {self.faces} faces; {self.empty} '
            f'images without a face; {self.failed} inputs failed{undrawn}. '
            f'See {self.plan.out}'
        )
        if errors:
            raise OSError('; '.join(errors))
