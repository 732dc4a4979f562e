"""A long training run, interrupted at random, and the same undisturbed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpafer_plugin.engine import PREEMPTED

from .process_usage import usage_of
from .tiny_tower import write_tower
from .work_dirs import last_iteration

TRAIN = Path(__file__).parents[1] / 'train.py'
SIGNALS = signal.SIGTERM, signal.SIGKILL
BATCH_SIZE = 4

CONFIG = """\
_base_ = ['mpafer_plugin::mpafer_rafdb.py']

faces = dict(
    type='SyntheticFaces', data_root='faces', num_train={images}, num_test=0
)
train_dataloader = dict(
    batch_size={batch_size}, num_workers=1, dataset=faces
)
val_dataloader = dict(num_workers=1, dataset=faces)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs={epochs})
# All that keeps a state between iterations, or between validations.
optim_wrapper = dict(accumulative_counts=3)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', momentum=0.01),
    dict(
        type='EarlyStoppingHook', monitor='fer/accuracy', patience={epochs}
    ),
]
default_hooks = dict(logger=dict(interval={log_interval}))
"""

Record = Callable[[dict], None]


class Training:
    """A training run in processes of its own, and what it left.

    Args:
        out (Path): Folder of config, weights, drawn faces and work dirs.
        iterations (int): Iterations in total; a whole number of epochs is
            trained.
        validations (int): Epochs, each with a validation.
        record (Callable): Called about every ``period`` seconds with a dict:
            ``run``, ``start`` (its number), ``seconds`` since then, ``step``
            (the last logged iteration) and the fields of :class:`Usage`.
        period (float): Defaults to 1.
    """

    def __init__(
        self,
        out: Path,
        iterations: int,
        validations: int,
        record: Record,
        period: float = 1,
    ):
        self.out = out.resolve()
        self.record = record
        self.period = period
        length = max(iterations // validations, 1)
        self.out.mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(
            # a tenth is held out for validation
            images=round(length * BATCH_SIZE / 0.9),
            batch_size=BATCH_SIZE,
            epochs=validations,
            log_interval=min(10, length),
        )
        (self.out / 'soak.py').write_text(text, encoding='utf-8')
        self._tower = write_tower(self.out)

    def run(
        self, name: str, signals: int = 0, every: float = 60, seed: int = 0
    ) -> list[dict[str, Any]]:
        """Train to the end, with signals at random moments and resumes.

        Args:
            name (str): Name of the work dir.
            signals (int): Signals at most. Defaults to 0.
            every (float): Mean seconds from a start to its signal, of which
                the moments are drawn evenly up to twice. Defaults to 60.
            seed (int): Seed of signals and moments. Defaults to 0.

        Returns:
            list[dict]: Each signal: its name, the exit code, the last logged
            iteration, and whether none had been logged since the start.
        """
        chance = random.Random(seed)
        found: list[dict[str, Any]] = []
        while True:
            kind = delay = None
            if len(found) < signals:
                kind = chance.choice(SIGNALS)
                delay = chance.uniform(0, 2 * every)
            before = last_iteration(self.out / name)
            code = self._start(name, len(found), kind, delay)
            if code == 0:
                return found
            # Before the handler is installed SIGTERM ends a process itself.
            if kind is None or code not in (PREEMPTED, -kind):
                raise RuntimeError(
                    f'training ended with {code}: see {name}.log'
                )
            iteration = last_iteration(self.out / name)
            found.append(
                dict(
                    signal=kind.name,
                    exit_code=code,
                    iteration=iteration,
                    in_start=iteration == before,
                )
            )

    def left(self) -> list[str]:
        """List processes that are alive, and workers' temporary folders.

        Not what mmengine writes as it reads a config, some kB, and leaves
        behind where it is killed.
        """
        mark = f'TMPDIR={self.out / "tmp"}'.encode()
        alive = []
        for path in Path('/proc').glob('[0-9]*/environ'):
            try:
                if mark in path.read_bytes().split(b'\0'):
                    alive.append(f'process {path.parent.name}')
            except OSError:  # ended, or of another user
                continue
        folders = (self.out / 'tmp').glob('pymp-*')
        return alive + sorted(path.name for path in folders)

    def _start(
        self,
        name: str,
        number: int,
        kind: signal.Signals | None,
        delay: float | None,
    ) -> int:
        """Train in a process, and send it a signal after some seconds."""
        folder = self.out / name
        command = [sys.executable, str(TRAIN), str(self.out / 'soak.py')]
        command += ['--work-dir', str(folder), '--resume']
        environment = dict(
            MPAFER_ARCH=self._tower[0],
            MPAFER_CLIP=self._tower[1],
            MPAFER_CACHE=str(self.out / 'cache'),
            TMPDIR=str(self.out / 'tmp'),
        )
        (self.out / 'tmp').mkdir(exist_ok=True)
        with open(self.out / f'{name}.log', 'ab') as log:
            process = subprocess.Popen(
                command,
                cwd=self.out,
                env=os.environ | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        start = time.monotonic()
        try:
            while process.poll() is None:
                passed = time.monotonic() - start
                if delay is not None and kind is not None and passed >= delay:
                    process.send_signal(kind)
                    delay = None
                self._measure(name, number, passed, process.pid)
                wait = self.period
                if delay is not None:
                    wait = min(wait, max(delay - passed, 0.01))
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
        return process.wait()

    def _measure(
        self, name: str, number: int, seconds: float, pid: int
    ) -> None:
        folder = self.out / name
        try:
            usage = usage_of(pid, folder)
        except OSError:  # it has just ended
            return
        self.record(
            dict(
                run=name,
                start=number,
                seconds=round(seconds, 2),
                step=last_iteration(folder),
                **usage._asdict(),
            )
        )
