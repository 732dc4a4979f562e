"""Train face-mini, a small CLIP of real faces, on photographs of FER+.

It has face-tiny's architecture and starts from its weights. It learns from
one half of FER+'s training images and captions in many wordings, drawn from
the noisy labels of FER2013; it sees no vote of FER+ and no validation or test
image. DIR receives face-mini.safetensors and leave_out.txt, the images that
prompts must not be trained on afterwards.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

from mpafer_plugin.clip import FACE_TINY, image_size, load_clip
from mpafer_plugin.utils.atomic_write import atomic_write

from .photo_bank import PhotoBank
from .photo_captions import LABELS, photo_caption
from .photo_loss import PhotoLoss
from .photo_split import PhotoSplit, split_photos
from .training import train
from .weights_file import save_weights

_START_SCALE, _MAX_SCALE = 10, 30


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
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
    args = parser.parse_args()
    for name in ('epochs', 'batch_size', 'report_every', 'workers'):
        value = getattr(args, name)
        if value < 1:
            option = name.replace('_', '-')
            parser.error(f'--{option} {value} is not positive')
    return args


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


def write_leave_out(split: PhotoSplit, path: Path) -> None:
    """Write the images not to train on, for ``leave_out`` of a dataset."""
    lines = [
        '# seen by face-mini',
        *split.half_a,
        '# copies of validation and test images',
        *split.copies,
    ]
    with atomic_write(path) as part:
        part.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.workers)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    try:
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
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    write_leave_out(split, args.out / 'leave_out.txt')
    labels = np.array([noisy[Path(path).name] for path in split.half_a])
    bank = PhotoBank([*split.half_a.values()], image_size(FACE_TINY))
    counts = np.bincount(labels, minlength=len(LABELS))
    print(
        f'half A: {len(bank)} images ('
        + ', '.join(f'{n} {c}' for n, c in zip(LABELS, counts, strict=True))
        + f'), half B: {len(split.half_b)}, in neither: {len(split.copies)}'
    )

    clip = load_clip(FACE_TINY, FACE_TINY).requires_grad_(True)
    with torch.no_grad():
        clip.logit_scale.fill_(np.log(_START_SCALE))
    loss_module = PhotoLoss(clip)

    def losses() -> dict[str, torch.Tensor]:
        chosen = rng.choice(len(bank), args.batch_size, replace=False)
        found = torch.from_numpy(labels[chosen])
        # Half of the images get a caption: texts cost as much time as images.
        half = found[::2]
        texts = [photo_caption(rng, int(label)) for label in half]
        return loss_module(bank.augmented(chosen, rng), found, texts, half)

    def report(line: str) -> None:
        print(line, flush=True)
        save_weights(clip, args.out / 'unfinished.safetensors')

    steps = args.epochs * len(bank) // args.batch_size
    train(
        clip, loss_module, losses, steps, _MAX_SCALE, args.report_every, report
    )
    # The final name appears only when training is complete.
    save_weights(clip, args.out / 'face-mini.safetensors')
    Path(args.out, 'unfinished.safetensors').unlink(missing_ok=True)


if __name__ == '__main__':
    main()
