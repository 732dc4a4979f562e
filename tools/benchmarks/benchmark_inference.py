"""Compare FERInferencer on a folder with its plain image tower.

Uses random weights, since speed does not depend on them. Prints JSON: images
per second of `FERInferencer(face='none')` on the folder, reading included, and
of the tower alone on tensors, measured in turns, and the median of their
ratios. With --split also the time of each step per image with YuNet.
"""

import argparse
import json
import statistics
import sys

import torch
from mmengine.logging import MMLogger

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.faces import read_image

from .clock import Clock


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('folder', help='folder of images')
    add('--arch', default='ViT-B-16-quickgelu', help='default: %(default)s')
    add('--num', type=int, default=500, help='images; default: %(default)s')
    add('--rounds', type=int, default=5, help='turns; default: %(default)s')
    add('--batch-size', type=int, default=32, help='default: %(default)s')
    add('--device', default='cpu', help='default: %(default)s')
    add('--split', type=int, default=0, help='images to time by step')
    add('--face-model', metavar='FILE', help='weights of YuNet')
    return parser.parse_args()


@torch.no_grad()
def run_tower(visual: torch.nn.Module, images: torch.Tensor, num: int) -> int:
    """Run the plain tower on ``num`` images or up to a batch more."""
    seen = 0
    while seen < num:
        visual(images)
        seen += len(images)
    return seen


def time_steps(
    inferencer: FERInferencer, paths: list[str], clock: Clock
) -> dict:
    """Time each step in milliseconds per image, and count the faces."""
    seconds = dict.fromkeys(('read', 'detect', 'crop', 'model'), 0.0)
    prepare, packed = inferencer.prepare, []
    for path in paths:
        start = clock.now()
        image = read_image(path)
        read = clock.now()
        faces = prepare.detect(image)
        found = clock.now()
        for face in faces:
            packed.append(prepare.pack(prepare.crop.crop(image, face)))
        seconds['read'] += read - start
        seconds['detect'] += found - read
        seconds['crop'] += clock.now() - found
    start = clock.now()
    size = inferencer.batch_size
    for first in range(0, len(packed), size):
        inferencer.forward(packed[first : first + size])
    seconds['model'] = clock.now() - start
    return dict(
        ms_per_image={k: 1000 * v / len(paths) for k, v in seconds.items()},
        faces_per_image=len(packed) / len(paths),
    )


def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    paths = [path for path, _ in images_of(args.folder) if path][: args.num]
    if not paths:
        print(f'{args.folder!r} contains no images', file=sys.stderr)
        return 2
    model = build_model(arch=args.arch, pretrained=None)
    options = dict(
        device=args.device,
        batch_size=args.batch_size,
        face_model=args.face_model,
    )
    inferencer = FERInferencer(model, face='none', **options)
    tower = model.backbone.tower
    images = torch.randn(
        args.batch_size, 3, *tower.image_size, device=args.device
    )
    inferencer(paths[: args.batch_size])  # warm up
    run_tower(tower.visual, images, 1)
    clock = Clock(args.device)
    rates: dict[str, list[float]] = dict(inferencer=[], tower=[])
    size = -(-len(paths) // args.rounds)
    for first in range(0, len(paths), size):
        part = paths[first : first + size]
        start = clock.now()
        seen = run_tower(tower.visual, images, len(part))
        middle = clock.now()
        inferencer(part)
        rates['tower'].append(seen / (middle - start))
        rates['inferencer'].append(len(part) / (clock.now() - middle))
    pairs = zip(rates['inferencer'], rates['tower'], strict=True)
    result: dict = dict(
        arch=args.arch,
        device=args.device,
        threads=torch.get_num_threads(),
        images=len(paths),
        images_per_s=rates,
        ratio=statistics.median(a / b for a, b in pairs),
    )
    if args.split:
        detector = FERInferencer(model, face='yunet', **options)
        result['yunet'] = time_steps(detector, paths[: args.split], clock)
    print(json.dumps(result, indent=1))
    return 0
