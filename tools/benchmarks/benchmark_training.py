"""Measure a real training: where the time of an iteration goes.

Trains for some iterations as tools/train.py would, and tells what the model's
step, the hooks and the wait for images take; then loads images without
training. Started by torchrun with --launcher pytorch it tells what the
processes send each other, too.
"""

import time

START = time.perf_counter()

# ruff: noqa: E402
import argparse
import statistics

import mmengine
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from rich.console import Console
from rich.table import Table
from torch.distributed import GradBucket
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import (
    allreduce_hook,
)

from mpafer_plugin.cli.config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    load_runner_config,
)

SKIPPED = 5
"""Iterations that are not counted: the first ones warm up."""


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
        help='iterations that count; default: %(default)s',
    )
    parser.add_argument(
        '--images-only',
        action='store_true',
        help='load images, and do not train',
    )
    parser.add_argument('--json', help='file for the results')
    args = parser.parse_args()
    if args.iters < 5:
        parser.error(f'--iters {args.iters}: 5 or more')
    return args


class EnoughError(Exception):
    """Ends the training."""


class Clock(Hook):
    """Note when an iteration's images are there and when it ends.

    Of all hooks it comes first, so that what the others do after an iteration
    counts from its own end.
    """

    priority = 'HIGHEST'

    def __init__(self, iterations: int):
        self.iterations = iterations
        self.first_step: float | None = None
        self.arrived: list[float] = []
        self.stepped: list[float] = []
        self.left: list[float] = []
        self.sent = 0

    def before_train(self, runner) -> None:
        """Count what processes send each other."""
        if is_model_wrapper(runner.model):
            runner.model.register_comm_hook(self, _count_bytes)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """The images are there."""
        self.arrived.append(time.perf_counter())

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """The model's step is done."""
        self.stepped.append(time.perf_counter())
        if self.first_step is None:
            self.first_step = self.stepped[0] - START

    def parts(self) -> dict[str, list[float]]:
        """Seconds of each part, an iteration each."""
        counted = range(SKIPPED, len(self.left) - 1)
        return {
            'step': [self.stepped[i] - self.arrived[i] for i in counted],
            'hooks': [self.left[i] - self.stepped[i] for i in counted],
            'wait for images': [
                self.arrived[i + 1] - self.left[i] for i in counted
            ],
        }


def _count_bytes(clock: Clock, bucket: GradBucket):
    """Sum gradients up as the wrapper does by itself, and count them."""
    clock.sent += bucket.buffer().nbytes
    return allreduce_hook(None, bucket)


class LastHook(Hook):
    """Note when the other hooks are done, and end the training in time."""

    priority = 'LOWEST'

    def __init__(self, clock: Clock):
        self.clock = clock

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """All hooks are done."""
        self.clock.left.append(time.perf_counter())
        if len(self.clock.left) > self.clock.iterations + SKIPPED:
            raise EnoughError


def images_a_second(runner, images: int) -> float:
    """Let the data loader run by itself."""
    loader = iter(runner.train_dataloader)
    next(loader)  # workers start
    seen, start = 0, time.perf_counter()
    for batch in loader:
        seen += len(batch['data_samples'])
        if seen >= images:
            break
    return seen / (time.perf_counter() - start)


def main() -> None:
    args = parse_args()
    cfg = load_runner_config(args)
    batch = cfg.train_dataloader.batch_size
    workers = cfg.train_dataloader.num_workers
    runner = build_runner(cfg, args)
    if args.images_only:
        rate = images_a_second(runner, 40 * batch)
        print(f'{rate:.1f} images/s from {workers} workers')
        return
    clock = Clock(args.iters)
    runner.register_hook(clock)
    runner.register_hook(LastHook(clock))
    try:
        runner.train()
    except EnoughError:
        pass
    else:
        raise SystemExit(
            f'the training ended after {len(clock.left)} iterations: '
            f'{args.iters + SKIPPED + 1} are needed'
        )
    if not is_main_process():
        return
    parts = {k: statistics.median(v) for k, v in clock.parts().items()}
    total = sum(parts.values())
    results = dict(
        config=args.config,
        batch=batch,
        seconds_to_the_first_step=clock.first_step,
        seconds=parts,
        shares={name: value / total for name, value in parts.items()},
        images_per_second=batch / total,
        pipeline_images_per_second=images_a_second(runner, 20 * batch),
        workers=workers,
        bytes_sent_an_iteration=clock.sent / len(clock.left),
    )
    show(results)
    if args.json:
        mmengine.dump(results, args.json, indent=2)


def show(results: dict) -> None:
    table = Table(title=f'{results["config"]}, batch {results["batch"]}')
    for column in ('', 'milliseconds', 'share'):
        table.add_column(column, justify='right')
    for name, value in results['seconds'].items():
        share = f'{100 * results["shares"][name]:.1f} %'
        table.add_row(name, f'{1000 * value:.1f}', share)
    console = Console()
    console.print(table)
    console.print(
        f'{results["images_per_second"]:.1f} images/s in training, '
        f'{results["pipeline_images_per_second"]:.1f} images/s from '
        f'{results["workers"]} workers alone; first step '
        f'{results["seconds_to_the_first_step"]:.1f} s after the start; '
        f'{results["bytes_sent_an_iteration"]:.0f} bytes of gradients sent '
        'an iteration'
    )


if __name__ == '__main__':
    main()
