"""Cut the faces out of a data set's pictures, for training and testing.

SRC is the data set's folder, of any layout; DST becomes the same with crops
for pictures, and is the `data_root` to train with. Files that are no pictures
are copied. In it are also

  crop.json        how faces are found and cut out; data sets put it into
                   checkpoints, so that inference crops the same way
  crop_report.csv  for each picture how many faces were found, or why it can
                   not be read; and why another file is not copied
  leave_out.txt    what has no crop or copy, for `leave_out` of a data set
                   whose lists name it

Of several faces the largest is taken. An interrupted run goes on when it is
started again; what is there is kept. Other options for the same DST are
refused, and so is a second run at the same time.

Exit code 0: all could be read. 1: some pictures could not, or files not be
copied; they are not there. 2: wrong options or folders, a full disk, or no
face detector. 3: a process was killed, mostly for its memory. 130:
interrupted. After 3 and 130 the same command goes on.
"""

import argparse
import signal
import sys
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mpafer_plugin.datasets.face_crop import LEFT_OUT, REPORT
from mpafer_plugin.faces import FaceCrop, find_yunet
from mpafer_plugin.faces.crop_folder import crop_folder
from mpafer_plugin.faces.face_crop import NO_FACE_RULES
from mpafer_plugin.usable_processors import usable_processors

SHOWN = 3  # of what can't be read or copied; the report has all


def parse_args() -> argparse.Namespace:
    default = FaceCrop()
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', metavar='SRC', type=Path)
    parser.add_argument('target', metavar='DST', type=Path)
    parser.add_argument(
        '--size',
        type=int,
        default=default.size,
        help='side of a crop in pixels; default: %(default)s',
    )
    parser.add_argument(
        '--margin',
        type=float,
        default=default.margin,
        help='what is added on each side of the aligned face, as a share of '
        'its side; default: %(default)s',
    )
    parser.add_argument(
        '--no-face',
        choices=NO_FACE_RULES,
        default=default.no_face,
        help='a picture in which no face is found has no crop, or its whole '
        'middle square is the crop; default: %(default)s',
    )
    parser.add_argument(
        '--face-model',
        type=Path,
        metavar='FILE',
        help='YuNet as a local file; default: the one that MPAFER_YUNET '
        "names, or OpenCV's, which is fetched once",
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=usable_processors(),
        help='number of processes; default: that of processors that it may '
        'use, %(default)s',
    )
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f'--jobs {args.jobs}: must be at least 1')
    return args


def main() -> int:
    args = parse_args()
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
            'prepare_faces: a process was killed, perhaps for its memory; '
            'fewer --jobs need less. The same command goes on from here',
            file=sys.stderr,
        )
        return 3
    except (ValueError, OSError) as error:
        print(f'prepare_faces: {error}', file=sys.stderr)
        return 2
    rows = record.rows.values()
    counts = Counter(row.result for row in rows)
    there = len(rows) - len(record.absent)
    pictures = len(rows) - counts['not copied']
    print(
        f'{args.target}: {there} crops of {pictures} pictures: '
        f'{counts["one face"]} with one face, {counts["several faces"]} with '
        f'several (the {crop.several} is taken), {counts["no face"]} with '
        f'none ({crop.no_face}), {counts["unreadable"]} unreadable'
    )
    print(f'each picture: {args.target / REPORT}')
    if counts['not copied']:
        print(f'other files and folders not copied: {counts["not copied"]}')
    if there < len(rows):
        print(f'those without a crop: {args.target / LEFT_OUT}')
    refused = [row for row in rows if row.reason]
    for row in refused[:SHOWN]:
        print(f'{row.result}: {row.reason}', file=sys.stderr)
    return 1 if refused else 0


if __name__ == '__main__':
    # A cluster's signal to stop is heard as Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Names of files need not be UTF-8.
    sys.stdout.reconfigure(errors='backslashreplace')
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        sys.exit(130)  # as shells count it
