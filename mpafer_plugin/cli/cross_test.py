"""Test several models on several datasets: a matrix of accuracy and UAR.

Classes are matched by name. Images of a class that a model lacks are left out
of its results, and predictions of a class that the data lacks count as wrong,
so both numbers are over the classes that model and data share. Images are
prepared as in each model's own training. Writes cross_test.csv, cross_test.md
and cross_test.png to DIR, and cells.json, by which what is tested already is
skipped: the same command resumes.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from mpafer_plugin.utils.hashing import sha256
from mpafer_plugin.version import __version__

from . import command_parser, exit_on_interrupt
from .config_args import (
    add_cfg_options,
    config_file,
    load_config,
    output_folder,
)
from .cross_matrix import METRICS, Cell, CellStore, write
from .report import batches_of, distinct_names


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
                f'the work dir {path!r} must have one {pattern}, and has '
                f'{names or "none"}; give a checkpoint file'
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
    store = CellStore(Path(args.out) / 'cells.json')
    facts = [data_key(cfg, dataset) for cfg, dataset in data]
    cells = []
    for name, path, files in zip(names, args.models, found, strict=True):
        key = model_key(*files)
        loaded = None
        for column, fact, (cfg, dataset) in zip(
            columns, facts, data, strict=True
        ):
            made = store.get(key + fact, name, column)
            if made is None:
                loaded = loaded or load(path, *files)
                made = cell(name, loaded, column, cfg, dataset)
                store.put(key + fact, made)
            cells.append(made)
            print(f'{name} on {column}: {made.text()}', flush=True)
    return cells


def load(path: str, config: str | None, checkpoint: str) -> LoadedModel:
    """Load the model of an argument."""
    try:
        return load_model(config, checkpoint, dtype='float32')
    except ValueError as error:
        hint = '' if config else ' (here: its work dir)'
        raise ValueError(f'{path}: {error}{hint}') from error


def model_key(config: str | None, checkpoint: str) -> str:
    """Return what identifies a model: the content of its files."""
    files = [Path(path) for path in (config, checkpoint) if path]
    return f'{__version__} {" ".join(map(sha256, files))} '


def data_key(cfg: Config, dataset: Any) -> str:
    """Return what identifies test data: its config, images and labels."""
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    content = repr(
        (
            cfg.test_dataloader.dataset.to_dict(),
            dataset.metainfo['classes'],
            [(info['img_path'], info.get('gt_label')) for info in infos],
        )
    )
    return hashlib.sha256(content.encode()).hexdigest()


@exit_on_interrupt('interrupted; the same command resumes')
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
        table.add_row(name, *(c.text() for c in cells if c.model == name))
    Console().print(table)
    print(f'written: {args.out}/cross_test.csv, cross_test.md, cross_test.png')
    return 0
