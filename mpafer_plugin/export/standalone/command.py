"""Detect faces in images and videos and predict their expressions.

INPUT is an image, a folder (searched recursively), a video, or, until Ctrl-C,
the number of a camera or an address (http, https, rtsp, ...) that OpenCV reads
as a video. Predictions are printed, and tables are written to --out. They
state how a face looks to annotators of a dataset, not what a person feels.

Exit codes: 0 success; 1 some inputs failed; 2 there is no result, or an
error stopped the run; 130 interrupted. Errors name the input and the reason.
Tables hold all predictions made, whatever the exit code.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from ...apis.face_stream import IMAGE_ERRORS
from ...apis.fer_results import FERResults, ImagePrediction
from ...apis.frames import (
    Source,
    is_address,
    is_camera,
    is_video,
    without_password,
)
from ...apis.image_folder import images_below
from ...apis.predict_options import (
    SOME_FAILED,
    STOPPED,
    SUCCESS,
    add_predict_options,
    check_predict_options,
    run_to_end,
)
from ...faces.face_crop import FaceCrop
from ...faces.yunet_weights import YUNET_NAME
from ...utils.image_files import ImageError, printable
from .images import is_image_file
from .inferencer import StandaloneInferencer


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('inputs', nargs='+', metavar='INPUT')
    parser.add_argument('--out', metavar='DIR', help='folder of the tables')
    add_predict_options(
        parser,
        f'{YUNET_NAME} beside the model, MPAFER_YUNET, or downloaded once',
    )
    args = parser.parse_args(argv)
    if (args.json or args.csv) != bool(args.out):
        parser.error('--out DIR and --json or --csv are given together')
    check_predict_options(parser, args)
    return args


class Run:
    """Predictions of all inputs: images first, then videos.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.
        model (Path): The ``model.onnx``.

    Attributes:
        images (int): Predicted images and frames.
        failed (int): Inputs that were not predicted, or not completely.
    """

    def __init__(self, args: argparse.Namespace, model: Path):
        self.args = args
        beside = model.with_name(YUNET_NAME)
        margin = args.margin
        self.inferencer = StandaloneInferencer(
            model,
            args.face,
            args.face_model or (beside if beside.is_file() else None),
            None if margin is None else FaceCrop(margin=margin),
        )
        # A camera may run for days: collect predictions for tables only.
        self.done: list[ImagePrediction] = []
        self.images = self.faces = self.empty = self.failed = 0
        if args.out:
            os.makedirs(args.out, exist_ok=True)

    @property
    def exit_code(self) -> int:
        """Exit code once all inputs were read."""
        if not self.failed:
            return SUCCESS
        return SOME_FAILED if self.images else STOPPED

    def run(self) -> None:
        """Predict all inputs."""
        videos: list[Source] = []
        for found in self.inferencer.stream(self.images_of_inputs(videos)):
            self.collect(found)
        for source in videos:
            self.video(source)

    def images_of_inputs(
        self, videos: list[Source]
    ) -> Iterator[tuple[str, str | ImageError]]:
        """Iterate over the images of the inputs; put the others in a list."""
        for source in self.args.inputs:
            if source.isdecimal() and not os.path.exists(source):
                videos.append(int(source))
            elif is_address(source) or is_video(source):
                videos.append(source)
            elif os.path.isdir(source):
                found = list(images_below(source, is_image_file))
                reason = f'{source!r}: there is no image in it'
                yield from found or [(source, ImageError(reason))]
            else:
                yield source, source

    def video(self, source: Source) -> None:
        """Predict a video or camera."""
        name = without_password(str(source))
        if is_camera(source):
            name = f'camera_{source}'
        try:
            for number, seconds, faces in self.inferencer.video(
                source, self.args.smoothing, self.args.every
            ):
                frame = number, seconds
                self.collect(ImagePrediction(name, faces, frame=frame))
        except IMAGE_ERRORS as error:
            self.fail(str(error))

    def collect(self, found: ImagePrediction) -> None:
        """Print a prediction, and store it if a table is written."""
        name = str(found.path)
        if found.error is not None:
            text = str(found.error)
            self.fail(text if name in text else f'{name!r}: {text}')
            return
        self.images += 1
        self.faces += len(found.faces)
        self.empty += not found.faces
        if self.args.out:
            self.done.append(found)
        when = '' if found.frame is None else f' {found.frame[1]:.2f} s'
        what = ', '.join(
            f'{face["pred_class"]} {face["pred_score"]:.0%}'
            for face in found.faces
        )
        print(f'{printable(name)}{when}: {what or "no face"}', flush=True)

    def fail(self, reason: str) -> None:
        """Count and report an input that failed."""
        self.failed += 1
        print(f'failed: {reason}', file=sys.stderr)

    def finish(self) -> None:
        """Write the tables and print a summary.

        Raises:
            OSError: If a table cannot be written; the other one is written.
        """
        results = FERResults.of(self.done, self.inferencer.classes)
        errors = []
        for kind in ('json', 'csv'):
            if getattr(self.args, kind):
                path = Path(self.args.out, f'predictions.{kind}')
                try:
                    getattr(results, f'to_{kind}')(path)
                except OSError as error:
                    errors.append(str(error))
        print(
            f'{self.images} images, {self.faces} faces; {self.empty} images '
            f'without a face; {self.failed} inputs failed',
            file=sys.stderr,
        )
        if errors:
            raise OSError('; '.join(errors))


def main(model: Path, argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        model (Path): The ``model.onnx``.
        argv (Sequence[str], optional): Defaults to None, what was typed.

    Returns:
        int: The exit code.
    """
    args = parse_args(argv)
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors='backslashreplace')  # type: ignore
    # A file that cannot be read is reported once, by us.
    getattr(cv2.utils, 'logging', cv2).setLogLevel(1)

    def stop(error: Exception) -> int:
        print(error, file=sys.stderr)
        return STOPPED

    try:
        run = Run(args, model)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        return stop(error)
    return run_to_end(run, run.run, stop)
