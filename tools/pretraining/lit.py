"""Teach a text tower the features of a pre-trained image tower, on FER+.

The image tower is locked (LiT, Zhai et al. 2022): features of a few augmented
views are computed once, and new text towers and the image tower's projection
learn from them in minutes. The text tower is kept whose hard prompts find most
of the noisy labels. Photographs and captions are those of face-mini: one half
of FER+'s training images and the noisy labels of FER2013, no vote of FER+, no
validation or test image. DIR receives NAME.json, NAME.safetensors (NAME is
DIR's) and leave_out.txt, the images that prompts must not be trained on
afterwards. In the end, accuracies on FER+'s validation images are printed.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from open_clip.model import CLIP
from torch.nn import functional as F

from mpafer_plugin.cli.config_args import SHIPPED_CONFIGS
from mpafer_plugin.cli.zero_shot import score, show
from mpafer_plugin.clip import ImageTower, word_tokens
from mpafer_plugin.prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    load_hard_prompts,
)
from mpafer_plugin.utils.atomic_write import atomic_write

from .feature_bank import FeatureBank
from .locked_tower import locked_clip
from .photo_bank import PhotoBank
from .photo_captions import LABELS, photo_caption
from .photo_data import load_photos, parse_positive, photo_parser
from .photo_loss import PhotoLoss
from .texts import encode
from .training import train
from .weights_file import save_weights

_START_SCALE, _MAX_SCALE = 10, 30


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = photo_parser(__doc__)
    parser.add_argument(
        '--arch',
        required=True,
        help="open_clip's name of a ViT, the path of an architecture JSON, or "
        'timm:NAME',
    )
    parser.add_argument(
        '--pretrained',
        help='file with the image tower, or a tag; for timm:NAME, a file of '
        'timm instead of the published one',
    )
    parser.add_argument(
        '--image-size', type=int, help="side in pixels, if not the tower's own"
    )
    parser.add_argument('--views', type=int, default=4, help='of each image')
    parser.add_argument('--patches', type=int, default=16, help='of each view')
    parser.add_argument(
        '--captions',
        type=int,
        default=64,
        help='of each batch; they take nearly all of the time',
    )
    parser.add_argument('--text-width', type=int, default=128)
    parser.add_argument('--text-layers', type=int, default=2)
    parser.add_argument(
        '--tries',
        type=int,
        default=4,
        help='text towers, of which the one is kept whose hard prompts find '
        'the most of the noisy labels of half A',
    )
    parser.add_argument(
        '--zero-shot',
        action='store_true',
        help='only print the accuracies of what is in DIR',
    )
    parser.set_defaults(epochs=11, batch_size=512)
    args = parse_positive(parser, argv)
    if args.text_width % 32:
        parser.error(f'--text-width {args.text_width} is no multiple of 32')
    return args


def learn(
    clip: CLIP,
    features: FeatureBank,
    labels: np.ndarray,
    args: argparse.Namespace,
    rng: np.random.Generator,
) -> None:
    """Train what is not locked.

    Args:
        clip (open_clip.CLIP): Trained in place.
        features (FeatureBank): Of N images.
        labels (np.ndarray): Their noisy labels, (N, ).
        args (argparse.Namespace): epochs, batch_size, captions and
            report_every.
        rng (np.random.Generator): Source of batches and captions.
    """
    with torch.no_grad():
        clip.logit_scale.fill_(np.log(_START_SCALE))
    loss_module = PhotoLoss(clip)

    def losses() -> dict[str, torch.Tensor]:
        chosen = rng.choice(len(features), args.batch_size, replace=False)
        found = torch.from_numpy(labels[chosen])
        # All labels in equal number: otherwise the captions' proportions
        # stand for those of the images, and a prompt per class lacks them.
        told = torch.from_numpy(rng.integers(len(LABELS), size=args.captions))
        texts = [photo_caption(rng, int(label)) for label in told]
        token, patches = features.draw(chosen, rng)
        image = token @ clip.visual.proj
        return loss_module.contrast(image, patches, found, texts, told)

    train(
        clip,
        loss_module,
        losses,
        args.epochs * len(features) // args.batch_size,
        _MAX_SCALE,
        args.report_every,
        lambda line: print(line, flush=True),
    )


@torch.no_grad()
def reading(clip: CLIP, features: FeatureBank, labels: np.ndarray) -> float:
    """Measure how well hard prompts find the noisy labels, in percent.

    Contempt, of which there is no label, is a wrong answer. All granularities
    count alike: in a small text tower, that of descriptions may fail alone.
    """
    image = features.tokens[:, 0, 0].float() @ clip.visual.proj
    names = [*LABELS, 'contempt']
    prompts = load_hard_prompts(HARD_PROMPTS_FILE, names)
    shares = []
    for granularity in GRANULARITIES:
        (texts,) = zip(*(prompts[n][granularity] for n in names), strict=True)
        text = encode(clip, [word_tokens(text) for text in texts])
        found = (image @ F.normalize(text, dim=-1).T).argmax(1)
        shares.append((found.numpy() == labels).mean())
    return 100 * float(np.mean(shares))


def make(args: argparse.Namespace, name: str) -> None:
    """Make the CLIP and write its files."""

    def build() -> tuple[dict, CLIP]:
        return locked_clip(
            args.arch,
            args.pretrained,
            args.image_size,
            args.text_width,
            args.text_layers,
        )

    config, clip = build()
    images, labels = load_photos(args, name)
    tower = ImageTower(clip)
    features = FeatureBank.collect(
        tower,
        PhotoBank(images, tower.image_size[0]),
        args.views,
        args.patches,
        np.random.default_rng(args.seed),
    )
    best = -1.0
    for seed in range(args.seed, args.seed + args.tries):
        torch.manual_seed(seed)
        config, clip = build()
        learn(clip, features, labels, args, np.random.default_rng(seed))
        found = reading(clip, features, labels)
        print(f'seed {seed}: hard prompts find {found:.1f} % of noisy labels')
        if found > best:
            best = found
            save_weights(clip, args.out / f'{name}.safetensors')
    with atomic_write(args.out / f'{name}.json') as part:
        part.write_text(json.dumps(config, indent=1) + '\n', encoding='utf-8')


def report(root: Path, arch: Path, weights: Path) -> None:
    """Print zero-shot accuracies on FER+'s validation images."""
    os.environ |= dict(MPAFER_ARCH=str(arch), MPAFER_CLIP=str(weights))
    cfg = Config.fromfile(SHIPPED_CONFIGS / 'mpafer_ferplus.py')
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_dataloader.dataset.data_root = str(root)
    init_default_scope('mmpretrain')
    show(score(cfg))


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.workers)
    name = args.out.resolve().name
    arch, weights = (args.out / f'{name}.{e}' for e in ('json', 'safetensors'))
    try:
        if not args.zero_shot:
            make(args, name)
        report(args.root, arch, weights)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    print(
        'On test images:\n'
        f'MPAFER_ARCH={arch} MPAFER_CLIP={weights} mpafer zero-shot '
        'mpafer_plugin::mpafer_ferplus.py'
    )


if __name__ == '__main__':
    main()
