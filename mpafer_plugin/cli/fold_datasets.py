"""Datasets of a config that are dealt into folds."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import BaseFERDataset
from mpafer_plugin.datasets.wrappers import dataset_class


def dataset_keys(config: Mapping, key: str) -> Iterator[tuple[str, Mapping]]:
    """List the datasets inside the wrappers of one, with their keys.

    Raises:
        ValueError: If one is not of this package: it has no folds.
    """
    if 'dataset' in config:
        yield from dataset_keys(config['dataset'], f'{key}.dataset')
    elif 'datasets' in config:
        for i, part in enumerate(config['datasets']):
            yield from dataset_keys(part, f'{key}.datasets.{i}')
    else:
        kind = dataset_class(config)
        if not (isinstance(kind, type) and issubclass(kind, BaseFERDataset)):
            raise ValueError(
                f'{key}: a {config["type"]} has no folds; datasets of '
                'mpafer_plugin have'
            )
        yield key, config


def check_draws(pairs: Iterable[tuple[str, Mapping]], folds: int) -> None:
    """Check that all splits of a dataset are dealt alike.

    Args:
        pairs (Iterable[tuple[str, Mapping]]): Key and config of each dataset.
        folds (int): Number of folds.

    Raises:
        ValueError: If one is not: its test images would be in training.
    """
    first: dict[tuple, tuple[str, Any]] = {}
    for key, config in pairs:
        arguments = dict(folds=folds, fold=0, pipeline=[], lazy_init=True)
        dataset = DATASETS.build({**config, **arguments})
        table = config.get('ann_file')
        place = type(dataset), os.path.realpath(dataset.root.path), table
        other, known = first.setdefault(place, (key, dataset))
        for name, value in dataset.draw.items():
            if known.draw[name] != value and not name.startswith('val_'):
                raise ValueError(
                    f'{other}.{name} is {known.draw[name]!r}, but '
                    f'{key}.{name} is {value!r}: the folds would differ, and '
                    'test images be trained on. Give all the same'
                )
