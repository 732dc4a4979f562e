"""Train face-tiny, the small CLIP shipped with the package, on drawn faces.

The image tower learns to predict the action units of faces whose muscles move
at random, the text tower those that a text describes. Neither sees a class
label, the name of an expression or a person of SyntheticFaces. The shipped
weights are the result of this command's defaults, on two CPU cores in about
20 minutes.
"""

import argparse
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from open_clip.model import CLIP
from rich.progress import track

from mpafer_plugin.clip.architectures import (
    FACE_TINY,
    FACE_TINY_DIR,
    architecture,
)

from .face_bank import FaceBank
from .pretraining_loss import PretrainingLoss, read_units
from .training import train
from .weights_file import save_weights
from .wide_faces import draw_wide_face


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=FACE_TINY_DIR / f'{FACE_TINY}.safetensors',
        help='output file',
    )
    parser.add_argument('--faces', type=int, default=32000)
    parser.add_argument('--held-out', type=int, default=1024)
    parser.add_argument('--steps', type=int, default=1400)
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument('--report-every', type=int, default=250)
    parser.add_argument('--workers', type=int, default=2, help='CPU cores')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args(argv)


def draw_bank(args: argparse.Namespace, size: int) -> FaceBank:
    """Draw all faces into memory, the held-out ones last."""
    count = args.faces + args.held_out
    draw = partial(draw_wide_face, args.seed, size=size)
    with get_context('fork').Pool(args.workers) as pool:
        faces = track(
            pool.imap(draw, range(count), chunksize=200),
            'drawing faces',
            count,
        )
        return FaceBank.collect(faces, count, size)


def main(argv: list[str] | None = None) -> None:
    """Draw faces, train, report and save the weights."""
    args = parse_args(argv)
    torch.set_num_threads(args.workers)
    config = architecture(FACE_TINY)
    bank = draw_bank(args, config['vision_cfg']['image_size'])
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    clip = CLIP(**config)
    loss_module = PretrainingLoss(clip)

    def losses() -> dict[str, torch.Tensor]:
        chosen = rng.integers(args.faces, size=args.batch_size)
        return loss_module(bank.augmented(chosen, rng), rng)

    def report(line: str) -> None:
        score = read_units(clip, loss_module, bank, args.faces)
        print(f'{line}  held-out R2 {score:.3f}', flush=True)
        save_weights(clip, args.out)

    train(
        clip, loss_module, losses, args.steps, 100, args.report_every, report
    )


if __name__ == '__main__':
    main()
