"""Run one recipe with one seed: train, test the last and the best epoch.

`mpafer study` starts this module in a process of its own for each run. It
writes result.json to the work dir at the end.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mpafer_plugin.evaluation import FERMetric
from mpafer_plugin.utils.atomic_write import atomic_write

from ..amp import with_amp_value
from ..config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    load_runner_config,
    num_trainable,
    require,
)
from .result import METRICS, RESULT


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    add_config_arguments(parser)
    add_runner_arguments(parser)
    return parser.parse_args(with_amp_value(argv))


def test(runner: Runner) -> dict[str, Any]:
    """Test the runner's model: percentages, classes and confusion matrix."""
    metrics = runner.test()
    found: dict[str, Any] = {
        name: float(metrics[f'fer/{name}']) for name in METRICS
    }
    for metric in runner.test_evaluator.metrics:
        if isinstance(metric, FERMetric) and metric.confusion is not None:
            assert metric.classes is not None
            found['classes'] = list(metric.classes)
            found['confusion'] = metric.confusion.tolist()
    return found


def train(runner: Runner, resumed: bool) -> dict[str, Any]:
    """Train, then test the last epoch and the one selected on validation.

    The training time of a resumed run is unknown and left out.
    """
    start = time.monotonic()
    runner.train()
    seconds = time.monotonic() - start
    hub = runner.message_hub
    best = hub.get_info('best_ckpt')
    found: dict[str, Any] = {} if resumed else dict(train_seconds=seconds)
    found.update(
        step_seconds=statistics.median(hub.get_scalar('train/time').data[0]),
        val_accuracy=float(hub.get_info('best_score')),
        last=test(runner),
    )
    found.update(best=found['last'])
    if not Path(best).stem.endswith(f'epoch_{runner.epoch}'):
        runner.load_checkpoint(best)
        runner.logger.info(f'testing the best epoch: {best}')
        found.update(best=test(runner))
    return found


class PeakMemory(Hook):
    """Record of the peak memory of the GPU, or of the process without one.

    mmengine (0.10.7) resets the peak of the GPU each time it logs it.
    """

    priority = 'NORMAL'  # before LoggerHook

    def __init__(self) -> None:
        self._bytes = 0

    def after_train_iter(self, *args, **kwargs) -> None:
        """Note the peak before it is logged."""
        if torch.cuda.is_available():
            self._bytes = max(self._bytes, torch.cuda.max_memory_allocated())

    def mib(self) -> float:
        """Return the peak so far."""
        if torch.cuda.is_available():
            self.after_train_iter()
            return self._bytes / 2**20
        unit = 1 if sys.platform == 'darwin' else 1024  # bytes, KiB
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * unit / 2**20


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    args = parse_args(argv, prog)
    cfg = load_runner_config(args)
    require(cfg, args, 'val_dataloader', 'test_dataloader')
    # Resume an interrupted run.
    cfg.resume = any(Path(cfg.work_dir).glob('*.pth'))
    runner = build_runner(cfg, args)
    memory = PeakMemory()
    runner.register_hook(memory)
    count = num_trainable(runner.model)
    if count:
        found = train(runner, cfg.resume)
    else:
        accuracy = float(runner.val()['fer/accuracy'])
        metrics = test(runner)
        found = dict(val_accuracy=accuracy, last=metrics, best=metrics)
    found.update(learnable=count, memory_mib=memory.mib())
    with atomic_write(Path(cfg.work_dir, RESULT)) as part:
        part.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
