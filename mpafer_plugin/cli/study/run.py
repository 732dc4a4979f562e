"""One recipe, one seed: train, test the last and the best epoch.

What tools/study.py starts, each in a process of its own; it writes
result.json into the work dir when all is done.
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
from mmengine.runner import Runner

from mpafer_plugin.utils.atomic_write import atomic_write

from ..config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    learnable,
    load_runner_config,
)

RESULT = 'result.json'
METRICS = ('accuracy', 'uar', 'macro_f1')


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    add_config_arguments(parser)
    add_runner_arguments(parser)
    return parser.parse_args(argv)


def tested(runner: Runner) -> dict[str, float]:
    """Test what the runner's model holds now."""
    metrics = runner.test()
    return {name: float(metrics[f'fer/{name}']) for name in METRICS}


def validated(runner: Runner) -> float:
    """Accuracy of what the runner's model holds now on validation."""
    return float(runner.val()['fer/accuracy'])


def train(runner: Runner, resumed: bool) -> dict[str, Any]:
    """Train, and test the last epoch and the one chosen on validation.

    What went on after an interruption does not tell how long it took.
    """
    start = time.monotonic()
    runner.train()
    seconds = time.monotonic() - start
    hub = runner.message_hub
    found: dict[str, Any] = {} if resumed else dict(train_seconds=seconds)
    found.update(
        step_seconds=statistics.median(hub.get_scalar('train/time').data[0]),
        last=tested(runner),
    )
    best = hub.get_info('best_ckpt')
    found.update(val_accuracy=float(hub.get_info('best_score')))
    if Path(best).stem.endswith(f'epoch_{runner.epoch}'):
        return found | dict(best=found['last'])
    runner.load_checkpoint(best)
    runner.logger.info(f'the best epoch: {best}')
    found.update(best=tested(runner))
    return found


def peak_memory_mib() -> float:
    """The most memory that was taken: of the GPU, or else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == 'darwin' else 1024  # bytes, KiB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * unit / 2**20


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    args = parse_args(argv, prog)
    cfg = load_runner_config(args)
    # goes on if it was interrupted
    cfg.resume = any(Path(cfg.work_dir).glob('*.pth'))
    runner = build_runner(cfg, args)
    count = learnable(runner.model)
    if count:
        found = train(runner, cfg.resume)
    else:
        accuracy, test = validated(runner), tested(runner)
        found = dict(val_accuracy=accuracy, last=test, best=test)
    found.update(learnable=count, memory_mib=peak_memory_mib())
    with atomic_write(Path(cfg.work_dir, RESULT)) as part:
        part.write_text(json.dumps(found, indent=2) + '\n')


if __name__ == '__main__':
    main()
