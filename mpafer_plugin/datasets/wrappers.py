"""Datasets inside wrappers such as ``ConcatDataset`` and ``RepeatDataset``."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    Compose,
    ConcatDataset,
    RepeatDataset,
)
from mmpretrain.registry import DATASETS, TRANSFORMS
from torch.utils.data import Subset


def inner_datasets(dataset: Any) -> list:
    """List the datasets inside all wrappers of a dataset.

    Works alike on built datasets and on configs, as wrappers use the same
    names: those of mmengine, mmpretrain (``KFoldDataset``) and torch hold a
    ``dataset`` or ``datasets``.

    Args:
        dataset (Any): A dataset, or its config (a mapping).

    Returns:
        list: Datasets, or their configs; ``[dataset]`` if it is no wrapper.
    """
    if isinstance(dataset, Mapping):
        parts = (*dataset.get('datasets', ()), dataset.get('dataset'))
    else:
        inner = getattr(dataset, 'dataset', None)
        parts = (*getattr(dataset, 'datasets', ()), inner)
    found = [d for p in parts if p is not None for d in inner_datasets(p)]
    return found or [dataset]


def dataset_class(config: Mapping) -> Any:
    """Look up the class of a dataset config, None if it is unknown."""
    kind = config['type']
    return DATASETS.get(kind) if isinstance(kind, str) else kind


def resolve_subset(dataset: Any) -> tuple[Any, Sequence[int]]:
    """Return the dataset under torch's ``Subset`` and the indices into it.

    Other wrappers answer ``get_data_info`` themselves.
    """
    indices: Sequence[int] = range(len(dataset))
    while isinstance(dataset, Subset):
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    return dataset, indices


def without_augmentation(dataset: Any, pipeline: list[dict]) -> Any:
    """Copy a dataset with another pipeline; each image appears once.

    This walk builds the wrappers anew, so it cannot share
    :func:`inner_datasets`.

    Raises:
        TypeError: If a wrapper is not supported.
    """
    if isinstance(dataset, (RepeatDataset, ClassBalancedDataset)):
        # Repeating images does not move the mean of a class.
        return without_augmentation(dataset.dataset, pipeline)
    dataset = copy.copy(dataset)
    if isinstance(dataset, ConcatDataset):
        dataset.datasets = [
            without_augmentation(part, pipeline) for part in dataset.datasets
        ]
    elif isinstance(dataset, BaseDataset):
        dataset.pipeline = Compose(
            [TRANSFORMS.build(transform) for transform in pipeline]
        )
    else:
        raise TypeError(
            f'cannot read a {type(dataset).__name__} without augmentation; '
            'supported are BaseDataset, RepeatDataset, ClassBalancedDataset '
            'and ConcatDataset'
        )
    return dataset
