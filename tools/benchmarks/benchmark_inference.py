"""Compare FERInferencer, on a folder, with its bare image tower.

Random weights, since speed does not depend on them. Prints JSON: images a
second of `FERInferencer(face='none')` on the folder, reading included, of the
tower alone on tensors, in turns, and the median of their ratios. With --split
also where the time of an image goes with YuNet, one step after the other.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from mmengine.logging import MMLogger

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.faces import read_image


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('folder', help='images')
    parser.add_argument('--arch', default='ViT-B-16-quickgelu')
    parser.add_argument(
        '--num', type=int, default=500, help='images; default: 500'
    )
    parser.add_argument(
        '--rounds', type=int, default=5, help='turns; default: 5'
    )
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--device', default='cpu', help='default: cpu')
    parser.add_argument(
        '--split', type=int, default=0, help='images for the split'
    )
    parser.add_argument('--face-model', metavar='FILE', help="YuNet's file")
    return parser.parse_args()


class Clock:
    """Seconds, once all that is under way on the device is done."""

    def __init__(self, device: str):
        self.cuda = device.startswith('cuda')

    def __call__(self) -> float:
        """Wait for the device and look."""
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


@torch.no_grad()
def tower_rate(visual, images: torch.Tensor, num: int, clock: Clock) -> float:
    """Images a second of the bare tower."""
    visual(images)  # warm up
    start, done = clock(), 0
    while done < num:
        visual(images)
        done += len(images)
    return done / (clock() - start)


def split(inferencer: FERInferencer, paths: list[str], clock: Clock) -> dict:
    """Milliseconds of each step an image, and faces an image."""
    steps = dict.fromkeys(('read', 'detect', 'crop', 'model'), 0.0)
    prepare, packed = inferencer.prepare, []
    for path in paths:
        times = [clock()]
        image = read_image(path)
        times.append(clock())
        faces = prepare.detect(image)
        times.append(clock())
        packed += [
            prepare.pack(prepare.crop.crop(image, face)) for face in faces
        ]
        times.append(clock())
        for name, a, b in zip(steps, times, times[1:], strict=False):
            steps[name] += b - a
    start = clock()
    size = inferencer.batch_size
    for first in range(0, len(packed), size):
        inferencer.forward(packed[first : first + size])
    steps['model'] = clock() - start
    return dict(
        ms_per_image={k: 1000 * v / len(paths) for k, v in steps.items()},
        faces_per_image=len(packed) / len(paths),
    )


def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    paths = [path for path, _ in images_of(args.folder)][: args.num]
    if not paths:
        print(f'{args.folder!r}: there is no image in it', file=sys.stderr)
        return 2
    model = build_model(arch=args.arch, pretrained=None)
    settings = dict(
        device=args.device,
        batch_size=args.batch_size,
        face_model=args.face_model,
    )
    whole = FERInferencer(model, face='none', **settings)
    tower = model.backbone.tower
    images = torch.randn(
        args.batch_size, 3, *tower.image_size, device=args.device
    )
    clock = Clock(args.device)
    whole(paths[: args.batch_size])  # warm up
    size = -(-len(paths) // args.rounds)
    rates: dict[str, list[float]] = dict(inferencer=[], tower=[])
    for first in range(0, len(paths), size):
        part = paths[first : first + size]
        rates['tower'].append(
            tower_rate(tower.visual, images, len(part), clock)
        )
        start = clock()
        whole(part)
        rates['inferencer'].append(len(part) / (clock() - start))
    pairs = zip(rates['inferencer'], rates['tower'], strict=True)
    result: dict = dict(
        arch=args.arch,
        device=args.device,
        threads=torch.get_num_threads(),
        images=len(paths),
        images_per_s=rates,
        ratio=statistics.median(one / other for one, other in pairs),
    )
    if args.split:
        finder = FERInferencer(model, face='yunet', **settings)
        result['yunet'] = split(finder, paths[: args.split], clock)
    print(json.dumps(result, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
