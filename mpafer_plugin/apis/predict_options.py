"""Options and exit codes of ``mpafer predict`` and an export's predict.py."""

import argparse
from collections.abc import Callable
from typing import Protocol

import cv2

SUCCESS, SOME_FAILED, STOPPED, INTERRUPTED = 0, 1, 2, 130


class Run(Protocol):
    """Predictions of all inputs.

    Attributes:
        images (int): Predicted images and frames.
    """

    images: int

    @property
    def exit_code(self) -> int:
        """Exit code once all inputs were read."""

    def finish(self) -> None:
        """Write the tables and print a summary."""


def add_predict_options(
    parser: argparse.ArgumentParser, face_model_default: str
) -> None:
    """Add the options that both commands have, but --out.

    Args:
        parser (argparse.ArgumentParser): Changed in place.
        face_model_default (str): Where YuNet's weights are looked for.
    """
    parser.add_argument(
        '--json', action='store_true', help='write DIR/predictions.json'
    )
    parser.add_argument(
        '--csv', action='store_true', help='write DIR/predictions.csv'
    )
    parser.add_argument(
        '--face',
        choices=['yunet', 'none'],
        default='yunet',
        help='face detector; none: the whole image is a face; default: yunet',
    )
    parser.add_argument(
        '--face-model',
        metavar='FILE',
        help=f'weights of YuNet; default: {face_model_default}',
    )
    parser.add_argument(
        '--margin',
        type=float,
        metavar='M',
        help='margin around faces, as a share of their side; default: that of '
        'the training, or 0.1 if unknown',
    )
    parser.add_argument(
        '--smoothing',
        type=float,
        metavar='S',
        help='exponential mean over video frames: S of the past, 1 - S of the '
        'frame; 0 <= S < 1',
    )
    parser.add_argument(
        '--every',
        type=int,
        default=1,
        metavar='N',
        help='read each N-th frame of a video; default: 1',
    )


def check_predict_options(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """End the command if a value is out of range."""
    if args.every < 1:
        parser.error(f'--every {args.every} is not positive')
    if args.smoothing is not None and not 0 <= args.smoothing < 1:
        parser.error(f'--smoothing {args.smoothing} is not in 0 to below 1')


def run_to_end(
    run: Run,
    predict: Callable[[], None],
    stop: Callable[[Exception], int],
) -> int:
    """Predict, and write the tables of what was predicted, whatever happens.

    Args:
        run (Run): The predictions.
        predict (Callable): Makes them.
        stop (Callable): Reports an error and returns the exit code.

    Returns:
        int: The exit code.
    """
    code = SUCCESS
    try:
        predict()
        code = run.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (OSError, RuntimeError, cv2.error) as error:  # such as no memory
        code = stop(error)
    finally:
        if run.images:
            try:
                run.finish()
            except OSError as error:
                code = stop(error)
    return code
