from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Subset

from .categories import canonical_name


@dataclass(frozen=True)
class LabelCounts:
    """The class of each image, and how many each class has.

    Attributes:
        classes (tuple[str, ...]): Names of the C classes.
        labels (np.ndarray): Class of each of N images, (N,).
        counts (np.ndarray): Images of each class, (C,).
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    counts: np.ndarray


def count_labels(dataset: Any) -> LabelCounts:
    """Count the images of each class, without loading them.

    An image with soft targets and no label counts for the largest target.

    Args:
        dataset (Any): One of mmengine's datasets or their wrappers
            (``ConcatDataset``, ``RepeatDataset``, ``ClassBalancedDataset``),
            or a torch ``Subset`` of one.

    Returns:
        LabelCounts: Classes, labels and counts.

    Raises:
        TypeError: If the dataset does not tell labels by index.
        ValueError: If it does not tell its classes, if an image has not one
            class of them, or if a class has no images.
    """
    indices: Sequence[int] = range(len(dataset))
    name = type(dataset).__name__
    while isinstance(dataset, Subset):
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if not hasattr(dataset, 'get_data_info'):
        raise TypeError(
            f'a {name} does not tell the classes of its images: it has no '
            'get_data_info(index), as the datasets of mmengine have'
        )
    classes = tuple(dataset.metainfo.get('classes') or ())
    if not classes:
        raise ValueError(
            f"the metainfo of a {name} has no 'classes': give the dataset "
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
            f'no training images of {absent}: classes that are to count '
            "alike need images. Leave these out of the dataset's and the "
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
            f'image {index}, {info.get("img_path")!r}, has gt_label '
            f'{label!r}; it takes one from 0 to {classes - 1}'
        )
    return int(label)


def count_table(
    classes: Sequence[str], rows: Mapping[str, Mapping[str, int]]
) -> str:
    """Draw counts of images, one column a class.

    Args:
        classes (Sequence[str]): The classes, in label order.
        rows (Mapping[str, Mapping[str, int]]): A row's title to its counts,
            each from canonical name to count.

    Returns:
        str: One line of names, then one line a row, with totals.
    """
    lines = [['', *classes, 'total']]
    for title, counts in rows.items():
        cells = [counts.get(canonical_name(name), 0) for name in classes]
        lines.append([title, *map(str, [*cells, sum(counts.values())])])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join(
        '  ' + '  '.join(map(str.rjust, line, widths)) for line in lines
    )
