"""Draw images of a dataset as the network sees them, and its class counts.

Writes `<split>_images.png`, with images of each class in turn, the original
beside the pipeline's output, and `classes.png`, the counts per class of all
splits.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmengine.runner import set_random_seed
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import BaseFERDataset
from mpafer_plugin.datasets.categories import canonical_name
from mpafer_plugin.datasets.verification import (
    OfficialPart,
    fer_dataset_configs,
    read_parts,
)
from mpafer_plugin.utils.fonts import drawn_names
from mpafer_plugin.utils.image_files import printable
from mpafer_plugin.visualization import (
    Card,
    draw_class_histogram,
    draw_contact_sheet,
    spread_over_classes,
)

from . import command_parser
from .config_args import (
    add_config_arguments,
    dataset_configs,
    load_config,
    output_folder,
)

HEADS = ('original', 'pipeline', 'pipeline again')


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    add_config_arguments(parser)
    parser.add_argument(
        '--split',
        choices=BaseFERDataset.SPLITS,
        default='train',
        help='split to draw images from; default: train',
    )
    parser.add_argument(
        '--num', type=int, default=12, help='number of images; default: 12'
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='seed of images and augmentation; default: 0',
    )
    parser.add_argument(
        '--out-dir',
        type=output_folder,
        default='browse',
        help='default: %(default)s',
    )
    args = parser.parse_args(argv)
    if args.num < 1:
        parser.error(f'--num must be above 0, not {args.num}')
    return args


def card(dataset: BaseFERDataset, index: int) -> Card:
    """Load an original image and two outputs of the pipeline."""
    info = dataset.get_data_info(index)
    images = [mmcv.imfrombytes(dataset.root.backend.get(info['img_path']))]
    if 'bbox' in info:
        x1, y1, x2, y2 = map(round, info['bbox'])
        thick = max(1, max(images[0].shape) // 100)
        cv2.rectangle(images[0], (x1, y1), (x2, y2), (0, 255, 255), thick)
    for _ in HEADS[1:]:
        packed = dataset[index]['inputs']  # (3, H, W)
        images.append(packed.permute(1, 2, 0).numpy())
    images = [
        np.clip(image[..., ::-1], 0, 255).astype(np.uint8)  # BGR to RGB
        for image in images
    ]
    name = printable(Path(info['img_path']).name)
    classes, _ = drawn_names(dataset.CLASSES)
    if 'gt_score' in info:
        shares = zip(classes, info['gt_score'], strict=True)
        # No line break between a class and its share.
        soft = ', '.join(f'{c}\u00a0{x:.2f}' for c, x in shares if x)
        name = f'{name}\n{soft}'
    return Card(classes[info['gt_label']], name, images)


def draw_classes(parts: list[OfficialPart], path: Path) -> None:
    """Draw the counts per class of all readable splits."""
    # The test dataset may have other classes.
    classes = dict.fromkeys(
        canonical_name(name) for part in parts for name in part.dataset.CLASSES
    )
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    notes = []
    for part in parts:
        notes += [f'{part.name}: {error}' for error in part.errors]
        for split, samples in part.splits.items():
            counts[split].update(sample.label for sample in samples)
        published = part.dataset.published_counts() if part.samples else None
        if published is not None and Counter(published) != part.counts:
            numbers = ', '.join(
                f'{name} {part.counts[name]:,} of {published.get(name, 0):,}'
                for name in classes
                if part.counts[name] != published.get(name, 0)
            )
            source = part.dataset.COUNTS_SOURCE
            notes.append(f'{part.name} is not as {source}: {numbers}')
    for note in notes:
        print(note)
    titles = dict.fromkeys(
        f'{type(part.dataset).__name__} in {printable(part.dataset.root.path)}'
        for part in parts
    )
    draw_class_histogram(
        list(classes),
        {split: [n[name] for name in classes] for split, n in counts.items()},
        str(path),
        title=', '.join(titles),
        note='\n'.join(notes),
    )


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    configs = dataset_configs(load_config(args))
    if args.split not in configs:
        print(f'{args.config} has no {args.split}_dataloader', file=sys.stderr)
        return 2
    try:
        inner = fer_dataset_configs(configs[args.split])
        datasets = [DATASETS.build(config) for config in inner]
        # Only now: SyntheticFaces are drawn when first built.
        parts = read_parts(configs)
    except (TypeError, ValueError, OSError) as error:
        print(f'{args.config}: {error}', file=sys.stderr)
        return 2 if isinstance(error, TypeError) else 1
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    sheet, histogram = out / f'{args.split}_images.png', out / 'classes.png'
    entries = [(d, i) for d in datasets for i in range(len(d))]
    labels = [d.get_data_info(i)['gt_label'] for d, i in entries]
    set_random_seed(args.seed)
    cards = []
    for entry in spread_over_classes(labels, args.num, args.seed):
        dataset, index = entries[entry]
        try:
            cards.append(card(dataset, index))
        except Exception as error:  # transforms raise many types
            print(
                f'{dataset.get_data_info(index)["img_path"]}: {error}; '
                'mpafer verify-dataset CONFIG lists all errors',
                file=sys.stderr,
            )
            return 1
    draw_contact_sheet(cards, str(sheet), HEADS)
    draw_classes(parts, histogram)
    print(f'{sheet}\n{histogram}')
    return 0
