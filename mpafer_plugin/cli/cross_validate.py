"""Cross-validate a config: train and test it on each fold in turn.

The training images are dealt into folds with the same share of every class,
and each person, where persons are known, into one of them. A run trains on all
folds but one, selects its epoch on a share of these, and is tested on the one
left; the official test images are not used. Finished folds are skipped,
interrupted ones are resumed. Writes folds.csv, folds.md, and per_class.csv and
confusion_matrix.png of all folds together, to DIR; work dirs are in DIR/runs.
"""

import argparse
import csv
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.datasets.folds import assign_folds
from mpafer_plugin.datasets.label_counts import count_table
from mpafer_plugin.datasets.verification import near_duplicates
from mpafer_plugin.engine.hooks.fer_report_hook import draw_matrix, write_table
from mpafer_plugin.evaluation.class_scores import class_scores
from mpafer_plugin.utils.atomic_write import atomic_write

from . import command_parser
from .amp import add_amp_argument, with_amp_value
from .config_args import (
    DATALOADERS,
    add_cfg_options,
    config_file,
    dataset_configs,
    load_config,
    output_folder,
    require,
)
from .fold_datasets import check_draws, dataset_keys
from .study.plan import Run
from .study.result import METRICS, check_classes
from .study.scheduler import Scheduler, add_jobs_argument
from .study.table import mean_std


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument(
        'config',
        type=config_file,
        help='config file, or mpafer_plugin::NAME.py for one that ships',
    )
    parser.add_argument(
        '--folds', type=int, default=10, help='number of folds; default: 10'
    )
    parser.add_argument(
        '--out',
        type=output_folder,
        metavar='DIR',
        help='output folder; default: work_dirs/cross_validation/ and the '
        'name of the config',
    )
    add_jobs_argument(parser)
    parser.add_argument(
        '--no-near-duplicates',
        action='store_true',
        help='do not look for images that look alike in several folds, where '
        'persons are not known',
    )
    add_cfg_options(parser)
    add_amp_argument(parser)
    args = parser.parse_args(with_amp_value(argv))
    if args.folds < 2:
        parser.error(f'--folds {args.folds} is not 2 or more')
    if args.out is None:
        name = Path(args.config).stem
        args.out = os.path.join('work_dirs', 'cross_validation', name)
    return args


def show_folds(config: Mapping, folds: int, compare: bool) -> None:
    """Print the images of each fold, and its persons if they are known.

    Args:
        config (Mapping): Config of a dataset.
        folds (int): Number of folds.
        compare (bool): Whether images are compared if persons are not known.

    Raises:
        ValueError: If there are fewer persons, or images, than folds.
    """
    # Built, so that files that are absent are found before training.
    dataset = DATASETS.build({**config, 'folds': folds, 'fold': 0})
    samples = dataset.read_samples()
    whole = dataset.whole_groups is not None
    fold_of = assign_folds(samples, folds, dataset.fold.seed, whole)
    rows, persons = {}, []
    for fold in range(folds):
        inside = [
            s for s, f in zip(samples, fold_of, strict=True) if f == fold
        ]
        rows[f'fold {fold}'] = Counter(sample.label for sample in inside)
        persons.append(len({sample.group for sample in inside}))
    print(f'{type(dataset).__name__} in {dataset.data_root!r}')
    print(count_table(dataset.CLASSES, rows))
    if whole:
        total = len({sample.group for sample in samples})
        print(
            f'{total} persons (by {dataset.whole_groups!r}), each in one '
            f'fold: {", ".join(map(str, persons))}'
        )
        return
    print(
        'WARNING: persons are not named: images of one person may be in '
        "several folds, which overstates results; the dataset's "
        'subject=PATTERN names them'
    )
    if compare:
        groups = [
            group
            for group in near_duplicates(dataset.root, samples)
            if len({fold_of[i] for i in group}) > 1
        ]
        like = ' = '.join(samples[i].path for i in groups[0]) if groups else ''
        print(
            f'{len(groups)} groups of images that look alike are in several '
            f'folds{": " + like + ", ..." if like else ""}'
        )


def plan(cfg: Config, args: argparse.Namespace) -> list[Run]:
    """Return the run of each fold, once the folds are known to be there.

    Raises:
        ValueError: If a dataset cannot be dealt, or not alike in all splits.
    """
    keys = {
        name: list(dataset_keys(cfg[name].dataset, f'{name}.dataset'))
        for name in DATALOADERS
    }
    all_pairs = [pair for pairs in keys.values() for pair in pairs]
    check_draws(all_pairs, args.folds)
    for _, config in keys['train_dataloader']:
        show_folds(config, args.folds, not args.no_near_duplicates)
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    runs = []
    for fold in range(args.folds):
        options = dict(args.cfg_options or {})
        for key, _ in all_pairs:
            options |= {f'{key}.folds': args.folds, f'{key}.fold': fold}
        config = os.path.abspath(args.config)
        runs.append(Run(f'fold_{fold}', config, options, seed, args.amp))
    return runs


def train_all(runs: Sequence[Run], scheduler: Scheduler) -> list[dict]:
    """Train and test all folds, and return their results in order.

    Raises:
        ValueError: If a result is damaged, or folds have other classes.
    """
    futures = [scheduler.start(run) for run in runs]
    with Progress() as progress:
        for future in progress.track(futures, description='folds'):
            future.result()
    results = [future.result() for future in futures]
    files = map(scheduler.result_file, runs)
    check_classes(dict(zip(files, results, strict=True)))
    return results


def summarize(results: Sequence[dict]) -> tuple[str, np.ndarray]:
    """Format mean, spread and pooled scores as a table of Markdown.

    Args:
        results (Sequence[dict]): Content of each fold's result.json.

    Returns:
        tuple[str, np.ndarray]: The text, and the pooled matrix (C, C).
    """
    best = [result['best'] for result in results]
    pooled = np.sum([found['confusion'] for found in best], axis=0)
    scores = class_scores(pooled.diagonal(), pooled.sum(1), pooled.sum(0))
    lines = [['fold', 'images', 'accuracy', 'UAR', 'macro-F1'], ['---'] * 5]
    for fold, found in enumerate(best):
        values = [f'{found[name]:.2f}' for name in METRICS]
        lines.append([str(fold), str(np.sum(found['confusion'])), *values])
    spread = [
        ' ± '.join(mean_std([found[name] for found in best]))
        for name in METRICS
    ]
    lines.append(['mean ± std', '', *spread])
    together = [f'{100 * scores[name]:.2f}' for name in METRICS]
    lines.append(['pooled', str(pooled.sum()), *together])
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    return f'{table}\n', pooled


def write(results: Sequence[dict], folder: Path) -> str:
    """Write the tables and the pooled matrix; return the table."""
    text, pooled = summarize(results)
    with (
        atomic_write(folder / 'folds.csv') as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file, lineterminator='\n')
        last = [f'last_{name}' for name in METRICS]
        writer.writerow(['fold', 'images', *METRICS, 'val_accuracy', *last])
        for fold, result in enumerate(results):
            best: dict[str, Any] = result['best']
            values = [
                *(best[name] for name in METRICS),
                result['val_accuracy'],
                *(result['last'][name] for name in METRICS),
            ]
            images = np.sum(best['confusion'])
            writer.writerow([fold, images, *(f'{x:.4f}' for x in values)])
    with atomic_write(folder / 'folds.md') as part:
        part.write_text(text, encoding='utf-8')
    classes = results[0]['best']['classes']
    write_table(pooled, classes, folder / 'per_class.csv')
    draw_matrix(pooled, classes, folder / 'confusion_matrix.png')
    return text


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    # Clusters end a job with SIGTERM: handle it like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # mmengine logs the environment variables of every config it reads.
    MMLogger.get_current_instance().setLevel('WARNING')
    args.no_pin_memory = False
    cfg = load_config(args)
    require(cfg, args, *DATALOADERS)
    dataset_configs(cfg)  # enters the config's scope
    try:
        runs = plan(cfg, args)
    except (ValueError, OSError) as error:
        print(f'mpafer cross-validate: {error}', file=sys.stderr)
        return 2
    scheduler = Scheduler(Path(args.out), args.jobs)
    try:
        results = train_all(runs, scheduler)
    except (RuntimeError, ValueError) as error:
        scheduler.stop()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        scheduler.stop()
        print('interrupted; the same command resumes it', file=sys.stderr)
        return 130
    text = write(results, Path(args.out))
    print(text)
    Console().print(
        f'written: {args.out}/folds.csv, folds.md, per_class.csv, '
        'confusion_matrix.png',
        soft_wrap=True,
    )
    return 0
