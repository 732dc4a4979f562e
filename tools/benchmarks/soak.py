"""Long runs, and the memory, files, threads and disk they use. Linux only.

`train`: a training on drawn faces with tiny towers, once undisturbed and once
with random SIGTERM and SIGKILL and resumes. Both must log and leave the same,
bit for bit. `predict`: an inferencer on many video frames, then in several
threads at a time, which must predict the same as one by one. Each writes
usage.csv, usage.png and result.json, and exits with 1 if something differs, is
left or grows.
"""

import argparse
import csv
import gc
import json
import os
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mpafer_plugin.apis import FERInferencer, build_model

from .process_usage import usage_of
from .soak_inference import (
    SIZES,
    compare_threads,
    draw_frames,
    watch_clips,
    write_clips,
)
from .soak_plot import plot_usage
from .soak_training import Training
from .tiny_tower import write_tower
from .work_dirs import differences, scalars_of, state_of

FLAT = 0.03
"""Growth of memory, see :func:`growth`, up to which it is flat."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='command', required=True)
    train = commands.add_parser('train', help='train with interruptions')
    predict = commands.add_parser('predict', help='predict many frames')
    for command in (train, predict):
        command.add_argument('--out', type=Path, required=True, metavar='DIR')
        command.add_argument('--seed', type=int, default=0)
    add = train.add_argument
    add('--iterations', type=int, default=20_000)
    add('--validations', type=int, default=50)
    add('--signals', type=int, default=40, help='at most')
    add('--every', type=float, default=60, help='mean seconds to a signal')
    add('--period', type=float, default=1, help='seconds between measures')
    add = predict.add_argument
    add('--frames', type=int, default=100_000)
    add('--threads', type=int, default=8)
    add('--images', type=int, default=1000, help='of each thread')
    add('--face-model', metavar='FILE', help='weights of YuNet')
    args = parser.parse_args(argv)
    if args.out.exists() and any(args.out.iterdir()):
        parser.error(f'--out {args.out} is not empty: give a new folder')
    return args


class Rows(list):
    """Measurements, which are written to a CSV file at once."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()

    def add(self, row: dict[str, Any]) -> None:
        """Keep and write a row."""
        with (
            self._lock,
            self.path.open('a', newline='', encoding='utf-8') as file,
        ):
            writer = csv.DictWriter(file, list(row))
            if not self:
                writer.writeheader()
            writer.writerow(row)
            self.append(row)


def growth(rows: Sequence[dict]) -> float:
    """Compute how much more is allocated in the last tenth than the second.

    Returns:
        float: Growth of the median, relative.
    """
    values = [row['own_mb'] + row['workers_mb'] for row in rows]
    tenth = max(len(values) // 10, 1)
    before = statistics.median(values[tenth : 2 * tenth] or values[:1])
    return round(statistics.median(values[-tenth:]) / before - 1, 4)


def train(args: argparse.Namespace, rows: Rows) -> dict[str, Any]:
    """Train twice, and compare."""
    training = Training(
        args.out, args.iterations, args.validations, rows.add, args.period
    )
    with ThreadPoolExecutor(2) as pool:  # side by side
        whole = pool.submit(training.run, 'undisturbed')
        signals = training.run(
            'interrupted', args.signals, args.every, args.seed
        )
        whole.result()
    marks = {
        name: [s['iteration'] for s in signals if s['signal'] == name]
        for name in ('SIGTERM', 'SIGKILL')
    }
    plot_usage(rows, args.out / 'usage.png', 'iteration', marks)
    folders = args.out / 'interrupted', args.out / 'undisturbed'
    ours, theirs = [
        dict(state_of(folder), log=scalars_of(folder)) for folder in folders
    ]
    return dict(
        iterations=max(step for kind, step in theirs['log'] if kind != 'val'),
        validations=sum(kind == 'val' for kind, _ in theirs['log']),
        logged=len(theirs['log']),
        files=sorted(set(theirs) - {'log'}),
        signals={name: len(steps) for name, steps in marks.items()},
        signals_in_start=sum(s['in_start'] for s in signals),
        different=differences(ours, theirs),
        memory_growth=growth(
            [r for r in rows if r['run'] == 'undisturbed' and r['step']]
        ),
        left=training.left(),
    )


def predict(args: argparse.Namespace, rows: Rows) -> dict[str, Any]:
    """Predict frames, and in threads."""
    arch, weights = write_tower(args.out)
    model = build_model(
        arch=arch, pretrained=weights, head=dict(loss_proto=None)
    )
    inferencer = FERInferencer(model, face_model=args.face_model)
    length = max(1, min(500, args.frames // len(SIZES)))
    clips = write_clips(args.out / 'clips', length)
    # What libraries keep from their first call on is not counted.
    watch_clips(inferencer, clips, len(clips) * length, lambda row: None)
    before = usage_of(os.getpid())
    start = time.monotonic()
    faces = watch_clips(
        inferencer,
        clips,
        args.frames,
        lambda row: rows.add(dict(run='inferencer', start=0) | row),
    )
    seconds = time.monotonic() - start
    images = [
        frame
        for number in range(args.images)
        for frame in draw_frames(1, SIZES[number % len(SIZES)], number)
    ]
    different = compare_threads(inferencer, images, args.threads, args.seed)
    gc.collect()
    after = usage_of(os.getpid())
    plot_usage(rows, args.out / 'usage.png', 'frame', {})
    return dict(
        frames=args.frames,
        faces=faces,
        frames_a_second=round(args.frames / seconds, 1),
        threads=args.threads,
        images=len(images),
        different=[f'{different} images in threads'] if different else [],
        memory_growth=growth(rows),
        left=[
            f'{getattr(after, name) - getattr(before, name)} {name}'
            for name in ('files', 'threads')
            if getattr(after, name) > getattr(before, name)
        ],
    )


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    rows = Rows(args.out / 'usage.csv')
    result = {'train': train, 'predict': predict}[args.command](args, rows)
    text = json.dumps(result, indent=2)
    (args.out / 'result.json').write_text(text + '\n', encoding='utf-8')
    print(text)
    grown = result['memory_growth'] > FLAT
    return int(bool(result['different'] or result['left'] or grown))
