"""Crop the faces of a dataset's images, for training and testing.

SRC is the dataset's folder, of any layout. DST becomes a copy in which each
image is replaced by its face crop; use it as `data_root`. Files that are not
images are copied. DST also holds

  crop.json        crop config: how faces are detected and cropped. Datasets
                   pass it on to checkpoints, so that inference crops the
                   same way
  crop_report.csv  for each image the number of faces, or why it cannot be
                   read; why another file is not copied
  leave_out.txt    images without a crop and files not copied, for
                   `leave_out` of a dataset whose lists name them

Of several faces the largest is taken. Repeat the command to resume an
interrupted run. Other options for the same DST are refused, and so is a
second run at the same time.

Exit codes: 0 everything was read and copied. 1 some images could not be
read or files not be copied; they are missing from DST. 2 wrong options or
folders, a full disk, or no face detector. 3 a process was killed, usually
for its memory. 130 interrupted. After 3 and 130 the same command resumes.
"""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mpafer_plugin.faces import FaceCrop, find_yunet
from mpafer_plugin.faces.crop_folder import crop_folder
from mpafer_plugin.faces.face_crop import LEFT_OUT, NO_FACE_RULES, REPORT
from mpafer_plugin.utils.cpu_count import cpu_count

from . import command_parser, exit_on_interrupt, print_any_text

SHOWN = 3  # failed files printed; the report lists all


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    default = FaceCrop()
    parser = command_parser(__doc__, prog)
    add = parser.add_argument
    add('source', metavar='SRC', type=Path)
    add('target', metavar='DST', type=Path)
    add(
        '--size',
        type=int,
        default=default.size,
        help='side of a crop in pixels; default: %(default)s',
    )
    add(
        '--margin',
        type=float,
        default=default.margin,
        help='border added on each side of the aligned face, as a fraction '
        'of its side; default: %(default)s',
    )
    add(
        '--no-face',
        choices=NO_FACE_RULES,
        default=default.no_face,
        help='images without a face: leave them out, or take the whole '
        'central square as the crop; default: %(default)s',
    )
    add(
        '--face-model',
        type=Path,
        metavar='FILE',
        help='YuNet as a local file; default: the file in MPAFER_YUNET, or '
        "OpenCV's, downloaded once",
    )
    add(
        '--jobs',
        type=int,
        default=cpu_count(),
        help='number of processes; default: the number of available CPUs, '
        '%(default)s',
    )
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: must be at least 1')
    return args


@exit_on_interrupt('interrupted; the same command resumes')
def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    # Schedulers stop a job by SIGTERM: handle it as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print_any_text()
    try:
        crop = FaceCrop(
            size=args.size,
            margin=args.margin,
            no_face=args.no_face,
            detector_digest=find_yunet(args.face_model)[1],
        )
        record = crop_folder(
            args.source, args.target, crop, args.face_model, args.jobs
        )
    except BrokenProcessPool:
        print(
            'prepare-faces: a process was killed, perhaps for its memory; '
            'fewer --jobs need less. The same command resumes',
            file=sys.stderr,
        )
        return 3
    except (ValueError, OSError) as error:
        print(f'prepare-faces: {error}', file=sys.stderr)
        return 2
    rows = record.rows.values()
    counts = Counter(row.result for row in rows)
    there = len(rows) - len(record.absent)
    images = len(rows) - counts['not copied']
    print(
        f'{args.target}: {there} crops of {images} images: '
        f'{counts["one face"]} with one face, {counts["several faces"]} with '
        f'several (the {crop.several} is taken), {counts["no face"]} with '
        f'none ({crop.no_face}), {counts["unreadable"]} unreadable'
    )
    print(f'each image: {args.target / REPORT}')
    if counts['not copied']:
        print(f'other files and folders not copied: {counts["not copied"]}')
    if there < len(rows):
        print(f'those without a crop: {args.target / LEFT_OUT}')
    failed = [row for row in rows if row.reason]
    for row in failed[:SHOWN]:
        print(f'{row.result}: {row.reason}', file=sys.stderr)
    return 1 if failed else 0
