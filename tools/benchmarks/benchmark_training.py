"""Measure how the time of a training iteration is spent.

Trains for some iterations as `mpafer train` does, and reports the time of the
model's step, of the hooks and of waiting for images; then loads images without
training. With torchrun and --launcher pytorch it also reports the size of the
gradients that the processes exchange.
"""

import time

START = time.perf_counter()  # before the imports, which count

# ruff: noqa: E402
import argparse
import contextlib

import mpafer_plugin  # noqa: F401  # isort: skip  # before torch
import mmengine
import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from rich.console import Console
from rich.table import Table
from torch.distributed import GradBucket
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

from mpafer_plugin.cli.config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    load_runner_config,
)

SKIPPED = 5
"""Warm-up iterations, which are not counted."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    add_runner_arguments(parser)
    parser.add_argument(
        '--iters',
        type=int,
        default=30,
        help='measured iterations; default: %(default)s',
    )
    parser.add_argument(
        *('--images-only', '--pictures-only'),
        action='store_true',
        help='load images without training',
    )
    parser.add_argument('--json', help='file for the results')
    args = parser.parse_args()
    if args.iters < 5:
        parser.error(f'--iters {args.iters}: must be at least 5')
    return args


class FinishedError(Exception):
    """Raised to end the training after the measured iterations."""


class Clock(Hook):
    """Record when iterations start and end, as seen by this hook.

    Args:
        iterations (int, optional): Iterations after which it ends the
            training. Defaults to None: never.
    """

    def __init__(self, iterations: int | None = None) -> None:
        self.iterations = iterations
        self.started: list[float] = []
        self.ended: list[float] = []

    def before_train_iter(self, *args, **kwargs) -> None:
        """Record that the images are loaded."""
        self.started.append(time.perf_counter())

    def after_train_iter(self, *args, **kwargs) -> None:
        """Record that the model's step is finished."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ended.append(time.perf_counter())
        if len(self.ended) == self.iterations:
            raise FinishedError


def count_bytes(sent: list[int], bucket: GradBucket):
    """Reduce gradients as DDP does by default, and count their bytes."""
    sent.append(bucket.buffer().nbytes)
    return default_hooks.allreduce_hook(None, bucket)  # type: ignore[arg-type]


def time_parts(first: Clock, last: Clock) -> dict[str, float]:
    """Compute the median seconds of each part of an iteration."""
    start, stepped = np.array(first.started), np.array(first.ended)
    ended = np.array(last.ended)
    parts = {
        'step': stepped - start,
        'hooks': ended - stepped,
        'wait for images': np.roll(start, -1) - ended,
    }
    # The last iteration has no following one to wait for.
    return {k: float(np.median(v[SKIPPED:-1])) for k, v in parts.items()}


def loading_rate(runner, images: int) -> float:
    """Measure the images per second of the data loader alone."""
    loader = iter(runner.train_dataloader)
    next(loader)  # starts the workers
    seen, start = 0, time.perf_counter()
    for batch in loader:
        seen += len(batch['data_samples'])
        if seen >= images:
            break
    return seen / (time.perf_counter() - start)


def show(results: dict) -> None:
    """Print the results as a table."""
    table = Table(title=f'{results["config"]}, batch {results["batch"]}')
    for column in ('', 'milliseconds', 'share'):
        table.add_column(column, justify='right')
    for name, value in results['seconds'].items():
        share = f'{100 * results["shares"][name]:.1f} %'
        table.add_row(name, f'{1000 * value:.1f}', share)
    Console().print(
        table,
        f'{results["images_per_second"]:.1f} images/s in training, '
        f'{results["pipeline_images_per_second"]:.1f} images/s from '
        f'{results["workers"]} workers alone; first step after '
        f'{results["seconds_to_the_first_step"]:.1f} s; '
        f'{results["bytes_sent_an_iteration"]:.0f} bytes of gradients sent '
        'per iteration',
    )


def main() -> None:
    args = parse_args()
    cfg = load_runner_config(args)
    batch = cfg.train_dataloader.batch_size
    workers = cfg.train_dataloader.num_workers
    runner = build_runner(cfg, args)
    if args.images_only:
        rate = loading_rate(runner, 40 * batch)
        print(f'{rate:.1f} images/s from {workers} workers')
        return
    # Between them run all other hooks.
    first, last = Clock(), Clock(SKIPPED + args.iters + 1)
    runner.register_hook(first, priority='HIGHEST')
    runner.register_hook(last, priority='LOWEST')
    sent: list[int] = []
    if is_model_wrapper(runner.model):
        runner.model.register_comm_hook(sent, count_bytes)
    with contextlib.suppress(FinishedError):
        runner.train()
    if len(last.ended) != last.iterations:
        raise SystemExit(
            f'the training ended after {len(last.ended)} iterations, '
            f'{last.iterations} are needed'
        )
    if not is_main_process():
        return
    parts = time_parts(first, last)
    total = sum(parts.values())
    results = dict(
        config=args.config,
        batch=batch,
        seconds_to_the_first_step=first.ended[0] - START,
        seconds=parts,
        shares={name: value / total for name, value in parts.items()},
        images_per_second=batch / total,
        pipeline_images_per_second=loading_rate(runner, 20 * batch),
        workers=workers,
        bytes_sent_an_iteration=sum(sent) / len(last.ended),
    )
    show(results)
    if args.json:
        mmengine.dump(results, args.json, indent=2)
