"""Detect faces in images and videos and predict their expressions.

INPUT is an image, a folder (searched recursively), a video, or, until Ctrl-C,
the number of a camera or an address (http, https, rtsp, ...) that OpenCV reads
as a video. Drawings and tables are written to --out.

Exit codes: 0 success; 1 some inputs failed; 2 there is no result, or an
error stopped the run; 130 interrupted. Errors name the input and the reason.
Tables hold all predictions made, whatever the exit code.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.apis.face_pipeline import find_batch_size
from mpafer_plugin.apis.predict_options import (
    STOPPED,
    add_predict_options,
    check_predict_options,
    run_to_end,
)
from mpafer_plugin.clip.precision import DTYPES

from .. import command_parser
from ..config_args import config_file
from .predictor import Predictor


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument('inputs', nargs='+', metavar='INPUT')
    parser.add_argument(
        '--weights',
        required=True,
        metavar='FILE',
        help='checkpoint; most need no --config; or a model.onnx of mpafer '
        'export',
    )
    parser.add_argument(
        '--config',
        type=config_file,
        metavar='FILE',
        help='config, for a checkpoint that cannot be loaded alone; is '
        'executed as code',
    )
    parser.add_argument(
        '--clip',
        metavar='TAG_OR_FILE',
        help='CLIP weights; default: MPAFER_CLIP, or the tag used in training',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='WORD',
        help='predict these words in place of the trained classes: zero-shot, '
        'by the trained context',
    )
    parser.add_argument(
        '--calibrated',
        action='store_true',
        help='divide the logits by the temperature that mpafer report '
        '--store-temperature stored in the checkpoint',
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='output folder'
    )
    parser.add_argument(
        '--show', action='store_true', help='show results in a window'
    )
    add_predict_options(parser, 'MPAFER_YUNET, or downloaded once')
    parser.add_argument(
        '--explain',
        action='store_true',
        help='draw the patches that each prediction rests on, NAME_why.png; '
        'images only',
    )
    parser.add_argument(
        '--batch-size',
        type=batch_size,
        default='auto',
        help='faces in a batch; default: auto, 32 on a CPU, else 128',
    )
    parser.add_argument('--device', help='default: a GPU if available')
    parser.add_argument(
        '--dtype',
        choices=DTYPES,
        default='auto',
        help='of the towers; default: auto, what is faster here (printed)',
    )
    args = parser.parse_args(argv)
    if args.show and (problem := screen_problem()):
        parser.error(f'--show: {problem}')
    check_predict_options(parser, args)
    return args


def batch_size(value: str) -> int | str:
    """Convert and check the value of ``--batch-size``."""
    number = int(value) if value.isdecimal() else value
    try:
        find_batch_size(number, 'cpu')
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return number


def screen_problem() -> str:
    """Return why no window can be opened; '' if one can."""
    screens = os.environ.get('DISPLAY'), os.environ.get('WAYLAND_DISPLAY')
    if sys.platform.startswith('linux') and not any(screens):
        return 'there is no screen (DISPLAY is not set)'
    # In a subprocess: OpenCV may abort the process if it fails.
    probe = subprocess.run(
        [sys.executable, '-c', 'import cv2; cv2.namedWindow("mpafer")'],
        capture_output=True,
        text=True,
    )
    if probe.returncode == 0:
        return ''
    lines = probe.stderr.strip().splitlines() or [f'code {probe.returncode}']
    return f'OpenCV cannot open a window: {lines[-1]}'


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    console = Console(stderr=True)

    def stop(error: Exception) -> int:
        console.print(str(error), style='red', markup=False, soft_wrap=True)
        return STOPPED

    try:
        predictor = Predictor(args, console)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        return stop(error)

    def predict() -> None:
        with Progress(console=console) as progress:
            predictor.run(progress)

    return run_to_end(predictor, predict, stop)
