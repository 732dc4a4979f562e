"""Make the small CLIP that ships with the package, from drawn faces.

The image tower learns to read action units off faces whose muscles move at
random, the text tower what words say about them. Neither sees a class label,
the name of an expression or a person of SyntheticFaces. The shipped weights
are what this command makes with its defaults, on two CPU cores in about 20
minutes.
"""

import argparse
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from open_clip.model import CLIP
from rich.progress import track
from safetensors.torch import save_file

from mpafer_plugin.clip.architectures import (
    FACE_TINY,
    FACE_TINY_DIR,
    architecture,
)
from mpafer_plugin.clip.pretraining import (
    FaceBank,
    PretrainingLoss,
    make_optimizers,
    read_units,
)
from mpafer_plugin.datasets.synthetic.wide_faces import draw_wide_face


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
        help='the file that is written',
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
    """Draw all faces, those held out last, and keep them in memory."""
    count = args.faces + args.held_out
    draw = partial(draw_wide_face, args.seed, size=size)
    with get_context('fork').Pool(args.workers) as pool:
        faces = track(
            pool.imap(draw, range(count), chunksize=200),
            'drawing faces',
            count,
        )
        return FaceBank.collect(faces, count, size)


def save(clip: CLIP, path: Path) -> None:
    """Write half-precision weights; an interruption leaves the old file."""
    weights = {k: v.half().contiguous() for k, v in clip.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix('.part')
    save_file(weights, partial_file)
    partial_file.replace(path)


def main(argv: list[str] | None = None) -> None:
    """Draw, train, report and write."""
    args = parse_args(argv)
    torch.set_num_threads(args.workers)
    config = architecture(FACE_TINY)
    bank = draw_bank(args, config['vision_cfg']['image_size'])
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    clip = CLIP(**config)
    loss_module = PretrainingLoss(clip)
    optimizers, schedulers = make_optimizers(clip, loss_module, args.steps)

    start = time.time()
    logs: dict[str, float] = {}
    for step in range(1, args.steps + 1):
        clip.train()
        chosen = rng.integers(args.faces, size=args.batch_size)
        losses = loss_module(bank.augmented(chosen, rng), rng)
        torch.stack(list(losses.values())).sum().backward()
        for optimizer, scheduler in zip(optimizers, schedulers, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            scheduler.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, float(np.log(100)))
        for name, value in losses.items():
            logs[name] = 0.98 * logs.get(name, value.item()) + (
                0.02 * value.item()
            )
        if step % args.report_every == 0 or step == args.steps:
            score = read_units(clip, loss_module, bank, args.faces)
            parts = ' '.join(f'{k} {v:.3f}' for k, v in logs.items())
            print(
                f'step {step}/{args.steps} {(time.time() - start) / 60:.1f} '
                f'min  held-out R2 {score:.3f}  {parts}  '
                f'scale {clip.logit_scale.exp().item():.1f}',
                flush=True,
            )
            save(clip, args.out)


if __name__ == '__main__':
    main()
