"""Training in a process of its own, killed where a test wants it.

Children are forked from a server that has imported the stack once, so that
each starts in a moment.
"""

import errno
import gc
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS

CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(
    ['mpafer_plugin', 'mpafer_plugin.clip.loading', 'open_clip', 'cv2']
)


@METRICS.register_module(force=True)
class Confidence(BaseMetric):
    """Mean score of the true class: it differs with every bit of a weight."""

    def process(self, data_batch, data_samples):
        self.results += [
            float(sample['pred_score'][sample['gt_label'].item()])
            for sample in data_samples
        ]

    def compute_metrics(self, results):
        return dict(confidence=sum(results) / len(results))


def start(cfg: dict, **options) -> multiprocessing.Process:
    """Start a training run; see :func:`train`."""
    process = CONTEXT.Process(target=train, args=(cfg, options))
    process.start()
    return process


def run(cfg: dict, **options) -> int:
    """Train to the end, whichever; give the exit code (-9: killed)."""
    process = start(cfg, **options)
    process.join(timeout=120)
    assert process.exitcode is not None, 'it hangs'
    return process.exitcode


def train(cfg: dict, options: dict) -> None:
    """Train by a config.

    Args:
        cfg (dict): Of the run.
        options (dict): ``log``: file for what is printed. ``steps``: file
            for the names of all steps that touch checkpoints. ``kill``:
            number of the step before which the process kills itself; a
            write is then done by half. ``setup``: function that is called
            first.
    """
    log = os.open(
        options.get('log', os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND
    )
    os.setpgid(0, 0)  # so that a signal can reach its workers too
    os.dup2(log, 1)
    os.dup2(log, 2)
    import torch
    from mmengine.config import Config, config
    from mmengine.runner import Runner
    from yapf.yapflib import yapf_api

    torch.set_num_threads(1)
    gc.freeze()
    config.FormatCode = lambda text, **_: (text, False)  # yapf is slow
    yapf_api.FormatCode = config.FormatCode
    _watch(options.get('steps'), options.get('kill'))
    if 'setup' in options:
        options['setup']()
    Runner.from_cfg(Config(cfg)).train()


def _watch(steps: str | None, kill: int | None) -> None:
    """Note each step that touches a checkpoint, or die before one of them."""
    from mmengine.fileio import LocalBackend

    names: list[str] = []

    def step(name, half=None):
        if len(names) == kill:
            if half is not None:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        names.append(name)
        if steps is not None:
            Path(steps).write_text(json.dumps(names))

    def watched(function, name, concerns):
        def call(*args, **kwargs):
            if concerns(*args):
                step(f'{name} {Path(str(args[0])).name}')
            return function(*args, **kwargs)

        return call

    put = LocalBackend.put

    def put_by_steps(self, content, path):
        def half():
            put(self, content[: len(content) // 2], path)

        step(f'write {Path(path).name}', half)
        put(self, content, path)

    def of_checkpoint(path, *args, **kwargs):
        return '.pth' in str(path) or 'last_checkpoint' in str(path)

    LocalBackend.put = put_by_steps
    os.replace = watched(os.replace, 'rename', of_checkpoint)
    os.unlink = watched(os.unlink, 'delete', of_checkpoint)
    os.fsync = watched(os.fsync, 'sync', lambda *args: True)


def slow_iterations() -> None:
    """Say where training is, and give a test the time to act."""
    from mpafer_plugin.engine import ResumableTrainLoop

    run_iter = ResumableTrainLoop.run_iter

    def slow(self, idx, data_batch):
        print(f'iteration {self._iter + 1}', flush=True)
        time.sleep(0.2)
        run_iter(self, idx, data_batch)

    ResumableTrainLoop.run_iter = slow


def full_disk() -> None:
    """Have no room for the checkpoint of the second epoch."""
    _fail_in_the_second_epoch(errno.ENOSPC)


def read_only_disk() -> None:
    """Have the disk turned read-only in the second epoch."""
    _fail_in_the_second_epoch(errno.EROFS)


def _fail_in_the_second_epoch(code: int) -> None:
    from mmengine.fileio import LocalBackend

    put = LocalBackend.put

    def fail(self, content, path):
        if 'epoch_2' in str(path):
            put(self, content[:100], path)
            raise OSError(code, os.strerror(code), path)
        put(self, content, path)

    LocalBackend.put = fail


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(child) for child in text.split()]


def group_exists(group: int) -> bool:
    """Whether a process of a group is alive."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
