"""Photographs, noisy labels and options that pre-training on FER+ shares."""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mpafer_plugin.utils.atomic_write import atomic_write

from .photo_captions import LABELS
from .photo_split import PhotoSplit, split_photos


class Photos(NamedTuple):
    """Half A of FER+'s training photographs.

    Args:
        images (list[np.ndarray]): N grey images.
        labels (np.ndarray): FER2013's noisy labels, (N, ).
    """

    images: list[np.ndarray]
    labels: np.ndarray


def photo_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all recipes have."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('root', type=Path, help='folder of FER+')
    parser.add_argument(
        'labels',
        type=Path,
        help='CSV of columns image, fer2013_label: 0 anger, 1 disgust, '
        '2 fear, 3 happiness, 4 sadness, 5 surprise, 6 neutral',
    )
    parser.add_argument('--out', type=Path, required=True, metavar='DIR')
    parser.add_argument('--epochs', type=int, default=40)
    parser.add_argument('--batch-size', type=int, default=256)
    parser.add_argument('--report-every', type=int, default=100)
    parser.add_argument('--workers', type=int, default=2, help='CPU cores')
    parser.add_argument('--seed', type=int, default=0)
    return parser


def parse_positive(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Parse arguments, of which all numbers but the seed are positive."""
    args = parser.parse_args(argv)
    for name, value in vars(args).items():
        if name != 'seed' and type(value) is int and value < 1:
            option = name.replace('_', '-')
            parser.error(f'--{option} {value} is not positive')
    return args


def load_photos(args: argparse.Namespace, name: str) -> Photos:
    """Load half A, report it, and write ``leave_out.txt`` into ``args.out``.

    Args:
        args (argparse.Namespace): Of :func:`photo_parser`.
        name (str): The CLIP that will have seen half A.

    Raises:
        ValueError: If a label or image is missing or wrong, or half A has
            fewer images than a batch.
        OSError: If a file cannot be read or written.
    """
    noisy = read_labels(args.labels)
    split = split_photos(args.root)
    if absent := sorted({Path(p).name for p in split.half_a} - set(noisy)):
        raise ValueError(
            f'{args.labels}: no row for {len(absent)} images of half '
            f'A, such as {absent[:3]}'
        )
    if args.batch_size > len(split.half_a):
        raise ValueError(
            f'--batch-size {args.batch_size} exceeds the '
            f'{len(split.half_a)} images of half A'
        )
    write_leave_out(split, args.out / 'leave_out.txt', name)
    labels = np.array([noisy[Path(path).name] for path in split.half_a])
    counts = np.bincount(labels, minlength=len(LABELS))
    print(
        f'half A: {len(labels)} images ('
        + ', '.join(f'{n} {c}' for n, c in zip(LABELS, counts, strict=True))
        + f'), half B: {len(split.half_b)}, in neither: {len(split.copies)}'
    )
    return Photos([*split.half_a.values()], labels)


def read_labels(path: Path) -> dict[str, int]:
    """Read FER2013's labels by image name.

    Raises:
        ValueError: If the columns or a label are wrong.
    """
    labels = {}
    with path.open(newline='', encoding='utf-8') as file:
        rows = csv.DictReader(file)
        wanted = ['image', 'fer2013_label']
        if rows.fieldnames != wanted:
            raise ValueError(
                f'{path}:1: columns {rows.fieldnames}, not {wanted}'
            )
        for row in rows:
            label = row['fer2013_label']
            if label not in map(str, range(len(LABELS))):
                raise ValueError(
                    f'{path}:{rows.line_num}: fer2013_label={label!r} is not '
                    f'one of 0 to {len(LABELS) - 1}'
                )
            labels[row['image']] = int(label)
    return labels


def write_leave_out(split: PhotoSplit, path: Path, name: str) -> None:
    """Write the images not to train on, for ``leave_out`` of a dataset."""
    lines = [
        f'# seen by {name}',
        *split.half_a,
        '# copies of validation and test images',
        *split.copies,
    ]
    with atomic_write(path) as part:
        part.write_text('\n'.join(lines) + '\n', encoding='utf-8')
