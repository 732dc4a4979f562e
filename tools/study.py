"""Run a study: recipes by seeds, one table.

What is done is skipped, what was interrupted goes on. A recipe's `search` is
settled on validation pictures with the first seed. DIR gets table.csv,
table.md and plot.png (the epoch chosen on validation; table.md tells the last
one too), and runs/ the work dirs.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from _study_plan import ROOT, Run, Study, read_study
from _study_run import RESULT
from _study_table import Row, summary, write_all
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.usable_processors import usable_processors

TOOL = Path(__file__).with_name('_study_run.py')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('study', type=Path, help='STUDY.yaml')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='default: work_dirs/studies/ and the name of the study',
    )
    parser.add_argument(
        '--full', action='store_true', help="with the study's full settings"
    )
    parser.add_argument(
        '--only', nargs='+', metavar='RECIPE', help='these recipes alone'
    )
    parser.add_argument(
        '--jobs',
        type=int,
        help='runs at a time, which share cores and GPUs; default: a GPU '
        'each, or 1',
    )
    args = parser.parse_args()
    if args.jobs is not None and args.jobs < 1:
        parser.error(f'--jobs {args.jobs} is not positive')
    if args.out is None:
        name = args.study.stem + ('_full' if args.full else '')
        args.out = Path('work_dirs/studies', name)
    return args


class Laboratory:
    """Runs what is not done yet, several at a time.

    Args:
        folder (Path): Where.
        jobs (int): Runs at a time.
    """

    def __init__(self, folder: Path, jobs: int):
        self.folder = folder
        self.pool = ThreadPoolExecutor(jobs)
        # Names of the GPUs that may be used, one for each running job.
        given = os.environ.get('CUDA_VISIBLE_DEVICES', '')
        names = given.split(',')
        if not given:
            names = [str(i) for i in range(torch.cuda.device_count())] or ['']
        self.gpus: SimpleQueue = SimpleQueue()
        for job in range(jobs):
            self.gpus.put(names[job % len(names)])
        self.threads = max(1, usable_processors() // jobs)
        self.running: set[subprocess.Popen] = set()
        self.stopped = False

    def start(self, run: Run) -> Future[dict]:
        """Promise a run's result."""
        return self.pool.submit(self._result, run)

    def _result(self, run: Run) -> dict:
        work_dir = self.folder / 'runs' / run.name
        result = work_dir / RESULT
        if not result.is_file():
            self._run(run, work_dir)
        return json.loads(result.read_text())

    def _run(self, run: Run, work_dir: Path) -> None:
        work_dir.mkdir(parents=True, exist_ok=True)
        options = {**run.options, 'randomness.seed': run.seed}
        said = [f'{k}={_value(v)}' for k, v in options.items()]
        command = [sys.executable, str(TOOL), str(ROOT / run.config)]
        command += ['--work-dir', str(work_dir), '--cfg-options', *said]
        gpu = self.gpus.get()
        environment = os.environ | dict(CUDA_VISIBLE_DEVICES=gpu)
        environment.setdefault('OMP_NUM_THREADS', str(self.threads))
        log = work_dir / 'output.txt'
        try:
            with log.open('a', encoding='utf-8') as file:
                if self.stopped:
                    raise KeyboardInterrupt
                process = subprocess.Popen(
                    command, env=environment, stdout=file, stderr=file
                )
                self.running.add(process)
                if self.stopped:  # while it started
                    process.send_signal(signal.SIGTERM)
                code = process.wait()
                self.running.discard(process)
        finally:
            self.gpus.put(gpu)
        if code:
            last = log.read_text(errors='replace').strip().splitlines()[-1:]
            raise RuntimeError(
                f'{run.name} ended with code {code}: {"".join(last)} (see '
                f'{log})'
            )

    def stop(self) -> None:
        """End all runs; each saves where it is, and goes on next time."""
        self.stopped = True
        for process in list(self.running):
            process.send_signal(signal.SIGTERM)
        self.pool.shutdown(cancel_futures=True)


def _value(value: Any) -> str:
    """Write a value as `--cfg-options` reads it."""
    if isinstance(value, list):
        return '[' + ','.join(map(_value, value)) + ']'
    return str(value)


def conduct(
    study: Study, laboratory: Laboratory, progress: Progress
) -> list[Row]:
    """Run everything: first the searches, then all seeds."""
    searched = [recipe for recipe in study.recipes if recipe.search]
    trials = [
        (recipe, values, laboratory.start(run))
        for recipe in searched
        for values, run in recipe.trials(study.seeds[0])
    ]
    best: dict[str, tuple[float, dict[str, Any]]] = {}
    for recipe, values, promise in progress.track(
        trials, description='searches'
    ):
        accuracy = promise.result()['val_accuracy']
        if recipe.name not in best or accuracy > best[recipe.name][0]:
            best[recipe.name] = accuracy, values
    chosen = {
        recipe.name: best[recipe.name][1] if recipe.search else {}
        for recipe in study.recipes
    }
    runs = [
        (recipe.name, laboratory.start(recipe.run(s, chosen[recipe.name])))
        for recipe in study.recipes
        for s in study.seeds
    ]
    results: dict[str, list[dict]] = {}
    for name, promise in progress.track(runs, description='all seeds'):
        results.setdefault(name, []).append(promise.result())
    return [Row(name, chosen[name], found) for name, found in results.items()]


def select(study: Study, only: Sequence[str] | None) -> Study:
    """Keep some recipes."""
    if only is None:
        return study
    known = [recipe.name for recipe in study.recipes]
    if unknown := [name for name in only if name not in known]:
        raise ValueError(f'--only: {unknown} is not among {known}')
    kept = [recipe for recipe in study.recipes if recipe.name in only]
    return study._replace(recipes=kept)


def main() -> int:
    args = parse_args()
    # as Ctrl-C: a cluster that ends the job
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Every config that is read tells its variables.
    MMLogger.get_current_instance().setLevel('WARNING')
    console = Console()
    try:
        study = select(read_study(args.study, args.full), args.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    os.environ.update(study.environment)
    jobs = args.jobs or max(1, torch.cuda.device_count())
    laboratory = Laboratory(args.out, jobs)
    try:
        with Progress(console=console) as progress:
            rows = conduct(study, laboratory, progress)
    except RuntimeError as error:
        laboratory.stop()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        laboratory.stop()
        print('interrupted; the same command goes on', file=sys.stderr)
        return 130
    write_all(study.title, rows, args.out)
    console.print(summary(study.title, rows))
    console.print(
        f'written: {args.out}/table.csv, table.md, plot.png', soft_wrap=True
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
