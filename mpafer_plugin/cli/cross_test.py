"""Test several models on several datasets: a matrix of accuracy and UAR.

Classes are matched by name. Images of a class that a model lacks are left out
of its results, and predictions of a class that the data lacks count as wrong,
so both numbers are over the classes that model and data share. Images are
prepared as in each model's own training. Writes cross_test.csv, cross_test.md
and cross_test.png to DIR.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mpafer_plugin.apis.load_model import LoadedModel, load_model
from mpafer_plugin.datasets.categories import indices_by_name
from mpafer_plugin.datasets.label_counts import read_labels
from mpafer_plugin.datasets.wrappers import without_augmentation
from mpafer_plugin.evaluation import FERMetric
from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.visualization.score_matrix import draw_score_matrix

from . import command_parser, exit_on_interrupt
from .config_args import (
    add_cfg_options,
    config_file,
    load_config,
    output_folder,
)
from .report import batches_of, distinct_names

METRICS = {'accuracy': 'accuracy', 'uar': 'UAR', 'macro_f1': 'macro-F1'}


class Cell(NamedTuple):
    """Result of one model on one dataset.

    Args:
        model (str): Name of the model.
        data (str): Name of the dataset's config.
        classes (list[str]): Classes of the model that the data has.
        images (int): Images of these classes.
        left_out (int): Images of other classes.
        scores (dict[str, float]): Percentages; empty without a class.
    """

    model: str
    data: str
    classes: list[str]
    images: int
    left_out: int
    scores: dict[str, float]


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument(
        'models',
        nargs='+',
        metavar='CHECKPOINT',
        help='checkpoint file, or a model.onnx of mpafer export; for a model '
        'that its checkpoint does not describe, such as a baseline, the work '
        'dir of its training, whose config is executed and whose best '
        'checkpoint is tested',
    )
    parser.add_argument(
        '--data',
        nargs='+',
        required=True,
        type=config_file,
        metavar='CONFIG',
        help='configs, of each of which the test data is used',
    )
    parser.add_argument(
        '--out',
        type=output_folder,
        default='work_dirs/cross_test',
        metavar='DIR',
        help='default: work_dirs/cross_test',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def find_model(path: str) -> tuple[str | None, str]:
    """Find the config and the checkpoint of an argument.

    Returns:
        tuple[str | None, str]: Config of a work dir, None for a file; and
        the checkpoint.

    Raises:
        ValueError: If there is no such file, or a work dir has not one config
            and one best checkpoint.
    """
    if not Path(path).is_dir():
        if not Path(path).is_file():
            raise ValueError(f'no file or work dir {path!r}')
        return None, path
    found = []
    for pattern in ('*.py', 'best_*.pth'):
        names = sorted(map(str, Path(path).glob(pattern)))
        if len(names) != 1:
            raise ValueError(
                f'the work dir {path!r} has {names or "no file"} as '
                f'{pattern}, not one; give a checkpoint file'
            )
        found += names
    return found[0], found[1]


@torch.no_grad()
def evaluate(
    loaded: LoadedModel, cfg: Config, dataset: Any
) -> dict[str, float]:
    """Test a model on a dataset, as ``mpafer test`` does in float32."""
    model: Any = loaded.model
    metric = FERMetric()
    metric.dataset_meta = dataset.metainfo
    metric.trained_classes = tuple(loaded.classes)
    loader = batches_of(cfg, dataset, np.arange(len(dataset)))
    for batch in track(loader, 'testing', transient=True):
        samples = model.test_step(batch)
        metric.process(batch, [sample.to_dict() for sample in samples])
    found = metric.evaluate(len(dataset))
    return {name: found[f'fer/{name}'] for name in METRICS}


def cell(
    model: str, loaded: LoadedModel, data: str, cfg: Config, dataset: Any
) -> Cell:
    """Test a model on a dataset, if they have a class in common."""
    names, labels = read_labels(dataset)
    index = indices_by_name(names, loaded.classes)
    shared = [n for n, i in zip(names, index, strict=True) if i >= 0]
    images = sum(index[label] >= 0 for label in labels)
    steps = [dict(type='LoadImageFromFile'), *loaded.pipeline]
    scores = {}
    if images:
        scores = evaluate(loaded, cfg, without_augmentation(dataset, steps))
    return Cell(model, data, shared, images, len(labels) - images, scores)


def markdown(cells: Sequence[Cell]) -> str:
    """Format the matrix, ``accuracy / UAR`` in each cell."""
    columns = list(dict.fromkeys(cell.data for cell in cells))
    lines = [['model', *columns], ['---'] * (1 + len(columns))]
    for model in dict.fromkeys(cell.model for cell in cells):
        row = [cell for cell in cells if cell.model == model]
        lines.append([model, *map(_text, row)])
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    notes = ''.join(
        f'- {cell.model} on {cell.data}: {cell.images} images of '
        f'{len(cell.classes)} classes, {cell.left_out} left out\n'
        for cell in cells
    )
    return f'Accuracy / UAR, percent.\n\n{table}\n\n{notes}'


def _text(cell: Cell) -> str:
    if not cell.scores:
        return '-'
    return f'{cell.scores["accuracy"]:.2f} / {cell.scores["uar"]:.2f}'


def write(cells: Sequence[Cell], folder: Path) -> None:
    """Write cross_test.csv, cross_test.md and cross_test.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        atomic_write(folder / 'cross_test.csv') as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow([*Cell._fields[:-1], *METRICS])
        for cell in cells:
            scores = [
                f'{cell.scores[name]:.4f}' if cell.scores else ''
                for name in METRICS
            ]
            writer.writerow(
                [*cell[:2], ' '.join(cell.classes), *cell[3:5], *scores]
            )
    with atomic_write(folder / 'cross_test.md') as part:
        part.write_text(markdown(cells), encoding='utf-8')
    rows = list(dict.fromkeys(cell.model for cell in cells))
    columns = list(dict.fromkeys(cell.data for cell in cells))
    matrices = {
        f'{METRICS[name]}, percent': np.array(
            [cell.scores.get(name, np.nan) for cell in cells]
        ).reshape(len(rows), len(columns))
        for name in ('accuracy', 'uar')
    }
    draw_score_matrix(matrices, rows, columns, folder / 'cross_test.png')


def cross_test(args: argparse.Namespace) -> list[Cell]:
    """Test each model on each dataset; what can fail early comes first."""
    found = [find_model(path) for path in args.models]
    names = distinct_names([Path(p).with_suffix('') for p in args.models], 1)
    folders = {checkpoint: Path(checkpoint).parent for _, checkpoint in found}
    if len({*folders.values()}) == len(names):  # they tell more than epochs
        names = distinct_names([*folders.values()], 1)
    columns = distinct_names([Path(p).with_suffix('') for p in args.data], 1)
    data = []
    for path in args.data:
        options = dict(config=path, no_pin_memory=False)
        cfg = load_config(argparse.Namespace(**vars(args) | options))
        if not cfg.get('test_dataloader'):
            raise ValueError(f'{path} has no test_dataloader')
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
        data.append((cfg, DATASETS.build(cfg.test_dataloader.dataset)))
    cells = []
    for name, path, (config, checkpoint) in zip(
        names, args.models, found, strict=True
    ):
        try:
            loaded = load_model(config, checkpoint, dtype='float32')
        except ValueError as error:
            hint = '' if config else ' (here: its work dir)'
            raise ValueError(f'{path}: {error}{hint}') from error
        for column, (cfg, dataset) in zip(columns, data, strict=True):
            cells.append(cell(name, loaded, column, cfg, dataset))
            print(f'{name} on {column}: {_text(cells[-1])}', flush=True)
    return cells


@exit_on_interrupt('interrupted')
def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    try:
        cells = cross_test(args)
    except (ValueError, OSError) as error:
        print(f'mpafer cross-test: {error}', file=sys.stderr)
        return 1
    write(cells, Path(args.out))
    table = Table(title='accuracy / UAR, percent')
    columns = list(dict.fromkeys(cell.data for cell in cells))
    for title in ('model', *columns):
        table.add_column(
            title, justify='left' if title == 'model' else 'right'
        )
    for name in dict.fromkeys(cell.model for cell in cells):
        table.add_row(name, *(_text(c) for c in cells if c.model == name))
    Console().print(table)
    print(f'written: {args.out}/cross_test.csv, cross_test.md, cross_test.png')
    return 0
