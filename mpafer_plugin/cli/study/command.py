"""Run a study: recipes by seeds, one table.

What is done is skipped, what was interrupted goes on. A recipe's `search` is
settled on validation images with the first seed. DIR gets table.csv,
table.md and plot.png (the epoch chosen on validation; table.md tells the last
one too), and runs/ the work dirs.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from ..config_args import config_file
from .plan import Recipe, Study, read_study
from .scheduler import Scheduler
from .table import Row, summary, write_all


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'study',
        type=lambda name: Path(config_file(name)),
        help='STUDY.yaml, or mpafer_plugin::studies/NAME.yaml',
    )
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
        '--only',
        nargs='+',
        metavar='RECIPE',
        help='run these recipes alone; the tables show also what is done',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        help='runs at a time, which share cores and GPUs; default: a GPU '
        'each, or 1',
    )
    args = parser.parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        parser.error(f'--jobs {args.jobs} is not positive')
    if args.out is None:
        name = args.study.stem + ('_full' if args.full else '')
        args.out = Path('work_dirs/studies', name)
    return args


def conduct(
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    scheduler: Scheduler,
    progress: Progress,
) -> list[Row]:
    """Run everything: first the searches, then all seeds."""
    trials = [
        (recipe.name, values, scheduler.start(run))
        for recipe in recipes
        for values, run in recipe.trials(seeds[0])
    ]
    settled: dict[str, list[tuple[dict, dict]]] = {}
    tracked = progress.track(trials, description='searches') if trials else ()
    for name, values, promise in tracked:
        settled.setdefault(name, []).append((values, promise.result()))
    chosen = {r.name: best_values(settled.get(r.name, [])) for r in recipes}
    runs = [
        (recipe.name, scheduler.start(recipe.run(s, chosen[recipe.name])))
        for recipe in recipes
        for s in seeds
    ]
    results: dict[str, list[dict]] = {}
    for name, promise in progress.track(runs, description='all seeds'):
        results.setdefault(name, []).append(promise.result())
    return [Row(name, chosen[name], found) for name, found in results.items()]


def best_values(trials: Sequence[tuple[dict, dict]]) -> dict[str, Any]:
    """The values of the trial that is best on validation, the first of many.

    Args:
        trials (Sequence): Values and result of each; none where nothing is
            searched.
    """
    if not trials:
        return {}
    return max(trials, key=lambda trial: trial[1]['val_accuracy'])[0]


def select(
    study: Study, only: Sequence[str] | None, scheduler: Scheduler
) -> list[Recipe]:
    """Keep some recipes, and those of which everything is done."""
    if only is None:
        return study.recipes
    known = [recipe.name for recipe in study.recipes]
    if unknown := [name for name in only if name not in known]:
        raise ValueError(f'--only: {unknown} is not among {known}')
    return [
        recipe
        for recipe in study.recipes
        if recipe.name in only or is_done(recipe, study.seeds, scheduler)
    ]


def is_done(
    recipe: Recipe, seeds: Sequence[int], scheduler: Scheduler
) -> bool:
    """Whether all results of a recipe are there."""
    trials = recipe.trials(seeds[0])
    if not all(scheduler.is_done(run) for _, run in trials):
        return False
    chosen = best_values(
        [(values, scheduler.start(run).result()) for values, run in trials]
    )
    return all(scheduler.is_done(recipe.run(s, chosen)) for s in seeds)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    # as Ctrl-C: a cluster that ends the job
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Every config that is read tells its variables.
    MMLogger.get_current_instance().setLevel('WARNING')
    console = Console()
    try:
        study = read_study(args.study, args.full)
        os.environ.update(study.environment)
        jobs = args.jobs or max(1, torch.cuda.device_count())
        scheduler = Scheduler(args.out, jobs)
        recipes = select(study, args.only, scheduler)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with Progress(console=console) as progress:
            rows = conduct(recipes, study.seeds, scheduler, progress)
    except RuntimeError as error:
        scheduler.stop()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        scheduler.stop()
        print('interrupted; the same command goes on', file=sys.stderr)
        return 130
    write_all(study.title, rows, args.out)
    console.print(summary(study.title, rows))
    console.print(
        f'written: {args.out}/table.csv, table.md, plot.png', soft_wrap=True
    )
    return 0
