"""Report on checkpoints, or on studies: one page, and its numbers as JSON.

The page is self-contained: results with intervals, calibration, mistakes,
and a comparison of the checkpoints on the same images. Sections with images
are about the first checkpoint.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS
from rich.progress import track
from torch.utils.data import Subset

from mpafer_plugin.apis.checkpoint_model import as_trained
from mpafer_plugin.apis.load_model import LoadedModel, load_model
from mpafer_plugin.datasets.wrappers import without_augmentation
from mpafer_plugin.engine.checkpoints.calibration import store_calibration
from mpafer_plugin.engine.checkpoints.test_pipeline import pipeline_of
from mpafer_plugin.report.build import Model, Report
from mpafer_plugin.report.content import Page
from mpafer_plugin.report.data import ReportData
from mpafer_plugin.report.header import (
    data_facts,
    facts_of_report,
    model_facts,
)
from mpafer_plugin.report.numbers import Temperature
from mpafer_plugin.report.page import write
from mpafer_plugin.report.predictions import Sample, predict
from mpafer_plugin.visualization import spread_over_classes

from . import command_parser, exit_on_interrupt
from .config_args import (
    add_config_arguments,
    config_file,
    load_config,
    output_file,
    require,
)
from .study.report import read_studies, study_page

CALIBRATION_IMAGES = 1000
"""Validation images, drawn at random, that a temperature is fitted on."""

FEATURE_IMAGES = 1000
"""Images, of each class in turn, whose features are compared."""


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    add_config_arguments(parser, optional=True)
    parser.add_argument('checkpoints', nargs='*', metavar='CHECKPOINT')
    parser.add_argument(
        '--studies',
        type=Path,
        metavar='DIR',
        help='instead of CONFIG and CHECKPOINT: table and plots of the '
        'studies in DIR, which `mpafer study` wrote',
    )
    parser.add_argument(
        '--out',
        type=html_file,
        default='report.html',
        metavar='FILE',
        help='the page, FILE.html; its numbers go to FILE.json; default: '
        'report.html',
    )
    parser.add_argument(
        '--data',
        type=config_file,
        metavar='CONFIG',
        help='report on the data of another config, matching classes by name',
    )
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='test',
        help='images to report on; default: test',
    )
    parser.add_argument(
        '--no-images',
        action='store_true',
        help='show no image, for data that may not be passed on',
    )
    parser.add_argument(
        '--store-temperature',
        action='store_true',
        help='store the temperatures in the checkpoints, for '
        'FERInferencer(calibrated=True) and mpafer predict --calibrated',
    )
    args = parser.parse_args(argv)
    if args.studies is None and not args.checkpoints:
        parser.error('CONFIG and CHECKPOINT are required, or --studies DIR')
    if args.studies is not None and args.config:
        parser.error(f'--studies {args.studies} is instead of {args.config}')
    return args


def html_file(path: str) -> str:
    """Check that a page can be written: the ``type`` of --out."""
    if Path(path).suffix.lower() != '.html':
        raise argparse.ArgumentTypeError(f'{path!r} does not end in .html')
    return output_file(path)


def distinct_names(
    paths: Sequence[str | Path], least: int | None = None
) -> list[str]:
    """Name files, with as many folders as tell them apart.

    Args:
        paths (Sequence[str | Path]): The files.
        least (int, optional): Parts of a name at least. Defaults to None: 2
            for several checkpoints, as work dirs tell more than epochs.

    Raises:
        SystemExit: If a file is given twice.
    """
    parts = [Path(path).resolve().parts for path in paths]
    if len(set(parts)) < len(parts):
        raise SystemExit(f'a file is given twice: {" ".join(map(str, paths))}')
    if least is None:
        least = 1 if len(paths) == 1 else 2
    for depth in range(least, 1 + max(map(len, parts))):
        names = ['/'.join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def build_dataset(cfg: Config, split: str, pipeline: list, name: str) -> Any:
    """Build the dataset of a split, with the test pipeline."""
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise SystemExit(f'{name} has no {split}_dataloader')
    return without_augmentation(DATASETS.build(loader.dataset), pipeline)


def batches_of(cfg: Config, dataset: Any, images: np.ndarray) -> Any:
    """Return a data loader of some images of a dataset, in their order."""
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    return Runner.build_dataloader(
        dict(
            batch_size=loader.batch_size,
            num_workers=loader.get('num_workers', 0),
            worker_init_fn=loader.get('worker_init_fn'),
            collate_fn=dict(type='default_collate'),
            pin_memory=loader.get('pin_memory', False),
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=Subset(dataset, images.tolist()),
        )
    )


def fit_temperatures(
    cfg: Config, args: argparse.Namespace, models: Sequence[LoadedModel]
) -> tuple[Sequence[Temperature | None], str]:
    """Fit a temperature of each model on validation images.

    Returns:
        tuple: The temperatures, and why they are None if they are.
    """
    none = [None] * len(models)
    if args.split == 'val' and not args.data:
        return none, 'the report is about the validation images themselves'
    if not cfg.get('val_dataloader'):
        return none, f'{Path(args.config).name} has no validation images'
    reported = cfg.get(f'{args.split}_dataloader')
    if not args.data and cfg.val_dataloader.dataset == reported.dataset:
        return none, 'the config validates on the images of this report'
    pipeline = pipeline_of(cfg)
    assert pipeline is not None
    dataset = build_dataset(cfg, 'val', pipeline, args.config)
    data = ReportData.of(dataset, models[0].classes)
    chosen = np.random.default_rng(0).permutation(len(data.true))
    chosen = np.sort(chosen[:CALIBRATION_IMAGES])
    loader = batches_of(cfg, dataset, data.images[chosen])
    batches = track(loader, 'validation')
    predictions, _ = predict(models, batches, len(chosen))
    true = data.true[chosen]
    return [Temperature.fit(p.logits, true) for p in predictions], ''


def load_models(cfg: Config, paths: Sequence[str]) -> list[LoadedModel]:
    """Load checkpoints into models of a config, in float32.

    Raises:
        ValueError: If one does not fit, or they have different classes.
    """
    models = [
        load_model(as_trained(cfg, path), path, dtype='float32')
        for path in paths
    ]
    for path, model in zip(paths, models, strict=True):
        if model.classes != models[0].classes:
            raise ValueError(
                f'{path} has the classes {model.classes}, {paths[0]} has '
                f'{models[0].classes}'
            )
    return models


def report(
    cfg: Config, args: argparse.Namespace, command: str
) -> tuple[Report, Page]:
    """Make the report of a config's checkpoints.

    Raises:
        ValueError: If checkpoints or data are refused.
        OSError: If they cannot be read.
    """
    names = distinct_names(args.checkpoints)
    models = load_models(cfg, args.checkpoints)
    facts = [
        model_facts(path, model)
        for path, model in zip(args.checkpoints, models, strict=True)
    ]
    source = cfg
    if args.data:
        other = vars(args) | dict(config=args.data, cfg_options=None)
        source = load_config(argparse.Namespace(**other))
    pipeline = pipeline_of(cfg)
    assert pipeline is not None  # load_model needs it
    dataset = build_dataset(
        source, args.split, pipeline, args.data or args.config
    )
    classes = models[0].classes
    data = ReportData.of(dataset, classes)
    temperatures, reason = fit_temperatures(cfg, args, models)
    if args.store_temperature and reason:
        raise ValueError(f'--store-temperature: {reason}')
    sample = Sample(spread_over_classes(data.true.tolist(), FEATURE_IMAGES))
    loader = batches_of(cfg, dataset, data.images)
    found, mean_image = predict(
        models, track(loader, args.split), len(data.true), sample
    )
    head = dict(
        facts_of_report(command),
        title=f'{Path(args.config).stem} on '
        f'{", ".join({d["type"]: 0 for d in data.describe()})}',
        config=Path(args.config).name,
        data=data_facts(data, args.split, classes),
        no_temperature=reason,
    )
    parts = zip(names, facts, models, found, temperatures, strict=True)
    made = Report(head, data, [Model(*part) for part in parts], sample.images)
    return made, Page(made, mean_image, args.no_images)


def store_temperatures(paths: Sequence[str], made: Report) -> None:
    """Store the temperature of each model in its checkpoint."""
    for path, model in zip(paths, made.models, strict=True):
        assert model.temperature is not None
        fitted = model.temperature
        store_calibration(path, fitted.value, fitted.images)
        print(f'temperature {fitted.value:.4f} stored in {path}')


def report_on_checkpoints(args: argparse.Namespace, command: str) -> Path:
    """Write the report of checkpoints, and return the path of its JSON."""
    cfg = load_config(args)
    require(cfg, args, f'{args.split}_dataloader')
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    made, page = report(cfg, args, command)
    beside = write(page.html(), made.numbers, Path(args.out))
    if args.store_temperature:
        store_temperatures(args.checkpoints, made)
    return beside


@exit_on_interrupt('interrupted')
def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    typed = sys.argv[1:] if argv is None else argv
    command = shlex.join([*(prog or 'mpafer report').split(), *typed])
    try:
        if args.studies:
            studies = read_studies(args.studies)
            page = study_page(studies, facts_of_report(command))
            beside = write(*page, Path(args.out))
        else:
            beside = report_on_checkpoints(args, command)
    except (ValueError, OSError) as error:
        print(f'mpafer report: {error}', file=sys.stderr)
        return 1
    print(f'written: {args.out}, {beside}')
    return 0
