from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Subset


@dataclass(frozen=True)
class LabelCounts:
    """The class of each picture, and how many each class has.

    Attributes:
        classes (tuple[str, ...]): Names of the C classes.
        labels (np.ndarray): Class of each of N pictures, (N,).
        counts (np.ndarray): Pictures of each class, (C,).
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    counts: np.ndarray


def count_labels(dataset: Any) -> LabelCounts:
    """Count the pictures of each class, without loading them.

    A picture with soft targets and no label counts for the largest target.

    Args:
        dataset (Any): One of mmengine's data sets or their wrappers
            (``ConcatDataset``, ``RepeatDataset``, ``ClassBalancedDataset``),
            or a torch ``Subset`` of one.

    Returns:
        LabelCounts: Classes, labels and counts.

    Raises:
        TypeError: If the data set does not tell labels by index.
        ValueError: If it does not tell its classes, if a picture has not one
            class of them, or if a class has no pictures.
    """
    indices: Sequence[int] = range(len(dataset))
    name = type(dataset).__name__
    while isinstance(dataset, Subset):
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if not hasattr(dataset, 'get_data_info'):
        raise TypeError(
            f'a {name} does not tell the classes of its pictures: it has no '
            'get_data_info(index), as the data sets of mmengine have'
        )
    classes = tuple(dataset.metainfo.get('classes') or ())
    if not classes:
        raise ValueError(
            f"the metainfo of a {name} has no 'classes': give the data set "
            'metainfo=dict(classes=[...])'
        )
    labels = np.array(
        [_label(dataset.get_data_info(i), len(classes), i) for i in indices],
        dtype=np.int64,
    )
    counts = np.bincount(labels, minlength=len(classes))
    if not counts.all():
        absent = [classes[i] for i in np.flatnonzero(counts == 0)]
        raise ValueError(
            f'no training pictures of {absent}: classes that are to count '
            "alike need pictures. Leave these out of the data set's and the "
            "model's classes, or do without ClassBalancedSampler and "
            'ClassWeightHook'
        )
    return LabelCounts(classes, labels, counts)


def _label(info: dict, classes: int, index: int) -> int:
    label: Any = info.get('gt_label')
    if label is None and info.get('gt_score') is not None:
        label = np.argmax(info['gt_score'])
    if label is None or np.ndim(label) or not 0 <= label < classes:
        raise ValueError(
            f'picture {index}, {info.get("img_path")!r}, has gt_label '
            f'{label!r}; it takes one from 0 to {classes - 1}'
        )
    return int(label)
