"""Run a study: several recipes with several seeds, compared in a table.

Finished runs are skipped, interrupted runs are resumed. The values of a
recipe's `search` are selected on the validation split with the first seed.
Writes table.csv, table.md and plot.png to DIR, with results of the epoch
selected on validation (table.md also has the last epoch); work dirs are in
DIR/runs. The key `amp` of the file is the option of that name of train.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress

from .. import command_parser
from ..config_args import config_file
from .plan import Recipe, Study, read_study
from .scheduler import Scheduler, add_jobs_argument
from .table import Row, summary, write_all


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument(
        'study',
        type=lambda name: Path(config_file(name)),
        help='STUDY.yaml, or mpafer_plugin::studies/NAME.yaml',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='output folder; default: work_dirs/studies/ and the name of the '
        'study',
    )
    parser.add_argument(
        '--full', action='store_true', help="apply the study's full settings"
    )
    parser.add_argument(
        '--only',
        nargs='+',
        metavar='RECIPE',
        help='run only these recipes; the tables include finished ones too',
    )
    add_jobs_argument(parser)
    args = parser.parse_args(argv)
    if args.out is None:
        name = args.study.stem + ('_full' if args.full else '')
        args.out = Path('work_dirs/studies', name)
    return args


def run_all(
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    scheduler: Scheduler,
    progress: Progress,
) -> list[Row]:
    """Run the searches, then all seeds, and return the table's rows."""

    def wait(futures: Sequence[Future], description: str) -> None:
        for future in progress.track(futures, description=description):
            future.result()

    searches = [scheduler.search(recipe, seeds[0]) for recipe in recipes]
    if trials := [future for found in searches for _, future in found]:
        wait(trials, 'searches')
    chosen = [best_values(found) for found in searches]
    runs = [
        [scheduler.start(recipe.run(seed, values)) for seed in seeds]
        for recipe, values in zip(recipes, chosen, strict=True)
    ]
    wait([future for futures in runs for future in futures], 'all seeds')
    return [
        Row(recipe.name, values, [future.result() for future in futures])
        for recipe, values, futures in zip(recipes, chosen, runs, strict=True)
    ]


def best_values(trials: Sequence[tuple[dict, Future]]) -> dict[str, Any]:
    """Return the values with the best validation accuracy, the first on ties.

    Args:
        trials (Sequence): Values and result of each trial; empty if the
            recipe has no ``search``.
    """
    if not trials:
        return {}
    return max(trials, key=lambda trial: trial[1].result()['val_accuracy'])[0]


def select(
    study: Study, only: Sequence[str] | None, scheduler: Scheduler
) -> list[Recipe]:
    """Select the recipes named by ``only`` and those that are finished."""
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
    """Return whether all runs of a recipe are finished."""
    if not all(scheduler.is_done(run) for _, run in recipe.trials(seeds[0])):
        return False
    chosen = best_values(scheduler.search(recipe, seeds[0]))
    return all(scheduler.is_done(recipe.run(s, chosen)) for s in seeds)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    # Clusters end a job with SIGTERM: handle it like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # mmengine logs the environment variables of every config it reads.
    MMLogger.get_current_instance().setLevel('WARNING')
    console = Console()
    try:
        study = read_study(args.study, args.full)
        os.environ.update(study.environment)
        scheduler = Scheduler(args.out, args.jobs)
        recipes = select(study, args.only, scheduler)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with Progress(console=console) as progress:
            rows = run_all(recipes, study.seeds, scheduler, progress)
    except (RuntimeError, ValueError) as error:
        scheduler.stop()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        scheduler.stop()
        print('interrupted; the same command resumes it', file=sys.stderr)
        return 130
    write_all(study.title, rows, args.out)
    console.print(summary(study.title, rows))
    console.print(
        f'written: {args.out}/table.csv, table.md, plot.png', soft_wrap=True
    )
    return 0
