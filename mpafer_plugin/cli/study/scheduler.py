"""Execution of the runs of a study, several at a time."""

import argparse
import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch

from mpafer_plugin.utils.cpu_count import cpu_count

from .plan import ROOT, Recipe, Run
from .result import RESULT, read_result


def add_jobs_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--jobs``, the number of concurrent runs of a scheduler."""
    parser.add_argument(
        '--jobs',
        type=_number_of_jobs,
        help='number of concurrent runs, which share CPU cores and GPUs; '
        'default: one per GPU, or 1',
    )


def _number_of_jobs(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f'{value!r} is not a number above 0')
    return int(value)


class Scheduler:
    """Scheduler of training runs, each in a process of its own.

    Args:
        folder (Path): Output folder of the study.
        jobs (int, optional): Number of concurrent runs. Defaults to None:
            one per GPU, or 1.
    """

    def __init__(self, folder: Path, jobs: int | None = None):
        jobs = jobs or max(1, torch.cuda.device_count())
        self.folder = folder
        self.pool = ThreadPoolExecutor(jobs)
        # The GPU of each concurrent run, waiting to be used.
        visible = os.environ.get('CUDA_VISIBLE_DEVICES', '')
        names = [name.strip() for name in visible.split(',')]
        if names == ['']:
            names = [str(i) for i in range(torch.cuda.device_count())] or ['']
        self.gpus: SimpleQueue = SimpleQueue()
        for job in range(jobs):
            self.gpus.put(names[job % len(names)])
        self.threads = max(1, cpu_count() // jobs)
        self.running: set[subprocess.Popen] = set()
        self.stopped = False

    def start(self, run: Run) -> Future[dict]:
        """Queue a run and return its future result."""
        return self.pool.submit(self._result, run)

    def search(self, recipe: Recipe, seed: int) -> list[tuple[dict, Future]]:
        """Queue the trials of a recipe: their values and future results."""
        return [
            (values, self.start(run)) for values, run in recipe.trials(seed)
        ]

    def is_done(self, run: Run) -> bool:
        """Return whether a run is finished."""
        return self.result_file(run).is_file()

    def result_file(self, run: Run) -> Path:
        """Return the file of a run's result."""
        return self._work_dir(run) / RESULT

    def _work_dir(self, run: Run) -> Path:
        return self.folder / 'runs' / run.name

    def _result(self, run: Run) -> dict:
        if not self.is_done(run):
            self._run(run, self._work_dir(run))
        return read_result(self.result_file(run))

    def _run(self, run: Run, work_dir: Path) -> None:
        work_dir.mkdir(parents=True, exist_ok=True)
        options = {**run.options, 'randomness.seed': run.seed}
        settings = [f'{k}={_format(v)}' for k, v in options.items()]
        command = [sys.executable, '-m', 'mpafer_plugin.cli.study.run']
        command += [str(ROOT / run.config)]
        command += ['--work-dir', str(work_dir), '--cfg-options', *settings]
        if run.amp:
            command += ['--amp', run.amp]
        gpu = self.gpus.get()
        environment = os.environ | dict(CUDA_VISIBLE_DEVICES=gpu)
        environment.setdefault('OMP_NUM_THREADS', str(self.threads))
        log = work_dir / 'output.txt'
        try:
            with log.open('a', encoding='utf-8') as file:
                if self.stopped:
                    raise KeyboardInterrupt
                # In its own session it does not receive Ctrl-C, only stop().
                process = subprocess.Popen(
                    command,
                    env=environment,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
                self.running.add(process)
                if self.stopped:  # stopped while the process started
                    process.send_signal(signal.SIGTERM)
                code = process.wait()
                self.running.discard(process)
        finally:
            self.gpus.put(gpu)
        if code:
            last = log.read_text(errors='replace').strip().rpartition('\n')[2]
            raise RuntimeError(
                f'{run.name} ended with code {code}: {last} (see {log})'
            )

    def stop(self) -> None:
        """Stop all runs; each saves a checkpoint to resume from."""
        self.stopped = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # while they save
        for process in list(self.running):
            process.send_signal(signal.SIGTERM)
        self.pool.shutdown(cancel_futures=True)


def _format(value: Any) -> str:
    """Format a value for ``--cfg-options``."""
    if isinstance(value, list):
        return '[' + ','.join(map(_format, value)) + ']'
    return str(value)
