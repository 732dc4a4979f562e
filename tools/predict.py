"""Find the faces of pictures and videos, and name their expressions.

INPUT is a picture, a folder, whose folders are looked at too, a video, or the
number of a camera, which runs until Ctrl-C. What is drawn goes to --out.

Exit codes: 0 all inputs were read; 1 some were not, they are named; 2 nothing
could be done, the reason is named; 130 interrupted, what was done is written.
"""

import argparse
import os
import sys
from pathlib import Path

from _predictor import Predictor
from rich.console import Console
from rich.progress import Progress

ALL_READ, SOME_FAILED, NOTHING_DONE, INTERRUPTED = 0, 1, 2, 130


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('inputs', nargs='+', metavar='INPUT')
    parser.add_argument(
        '--weights', required=True, help='checkpoint; most need nothing more'
    )
    parser.add_argument(
        '--config', help='config of a checkpoint that does not say enough'
    )
    parser.add_argument(
        '--clip',
        metavar='TAG_OR_FILE',
        help='CLIP weights; default: MPAFER_CLIP, or the tag of the training',
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder for all results'
    )
    parser.add_argument(
        '--json', action='store_true', help='write DIR/predictions.json'
    )
    parser.add_argument(
        '--csv', action='store_true', help='write DIR/predictions.csv'
    )
    parser.add_argument(
        '--show', action='store_true', help='show results in a window'
    )
    parser.add_argument(
        '--face',
        choices=['yunet', 'none'],
        default='yunet',
        help='how faces are found; none: a picture is one; default: yunet',
    )
    parser.add_argument(
        '--face-model',
        metavar='FILE',
        help="YuNet's file; default: MPAFER_YUNET, or fetched once",
    )
    parser.add_argument(
        '--explain',
        action='store_true',
        help='draw the patches that decided, NAME_why.png; pictures only',
    )
    parser.add_argument(
        '--smoothing',
        type=float,
        metavar='S',
        help='mean over the frames of a video: S of before, 1 - S of now',
    )
    parser.add_argument(
        '--batch-size', type=int, default=32, help='faces; default: 32'
    )
    parser.add_argument('--device', help='default: a GPU if there is one')
    args = parser.parse_args()
    screen = 'DISPLAY' in os.environ or 'WAYLAND_DISPLAY' in os.environ
    if args.show and sys.platform.startswith('linux') and not screen:
        parser.error('--show: there is no screen (DISPLAY is not set)')
    if args.batch_size < 1:
        parser.error(f'--batch-size {args.batch_size} is not positive')
    if args.smoothing is not None and not 0 <= args.smoothing < 1:
        parser.error(f'--smoothing {args.smoothing} is not in 0 to below 1')
    return args


def main() -> int:
    args = parse_args()
    console = Console(stderr=True)
    try:
        Path(args.out).mkdir(parents=True, exist_ok=True)
        predictor = Predictor(args, console)
    except (ValueError, OSError, ImportError) as error:
        console.print(f'{error}', style='red', markup=False, soft_wrap=True)
        return NOTHING_DONE
    code = ALL_READ
    with Progress(console=console) as progress:
        try:
            predictor.run(progress)
        except KeyboardInterrupt:
            code = INTERRUPTED
    if not predictor.rows:
        return code or NOTHING_DONE
    predictor.finish()
    return code or (SOME_FAILED if predictor.failed else ALL_READ)


if __name__ == '__main__':
    sys.exit(main())
