from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from .annotations import Sample
from .categories import canonical_name
from .wrappers import resolve_subset


@dataclass(frozen=True)
class LabelCounts:
    """Class of each image, and number of images of each class.

    Attributes:
        classes (tuple[str, ...]): Names of the C classes.
        labels (np.ndarray): Class of each of N images, (N,).
        counts (np.ndarray): Images of each class, (C,).
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    counts: np.ndarray


def count_labels(
    dataset: Any,
    remedy: str = 'do without ClassBalancedSampler and ClassWeightHook',
) -> LabelCounts:
    """Count the images of each class, without loading them.

    An image with a soft target but no label counts for its largest target.

    Args:
        dataset (Any): A dataset or wrapper (``ConcatDataset``,
            ``RepeatDataset``, ``ClassBalancedDataset``) of mmengine, or a
            torch ``Subset`` of one.
        remedy (str): Way out for the error about classes without images.

    Returns:
        LabelCounts: Classes, labels and counts.

    Raises:
        TypeError: If the dataset has no ``get_data_info``.
        ValueError: If it has no ``metainfo['classes']``, an image has no
            valid label, or a class has no images.
    """
    classes, labels = read_labels(dataset)
    counts = np.bincount(labels, minlength=len(classes))
    if not counts.all():
        absent = [classes[i] for i in np.flatnonzero(counts == 0)]
        raise ValueError(
            f'no training images of {absent}: classes need images here. Leave '
            f'these out of the classes of dataset and model, or {remedy}'
        )
    return LabelCounts(classes, labels, counts)


def read_labels(dataset: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Read the class of each image, without loading them.

    Args:
        dataset (Any): See :func:`count_labels`.

    Returns:
        tuple: Names of the C classes, and the labels (N,).

    Raises:
        TypeError: As in :func:`count_labels`.
        ValueError: As in :func:`count_labels`, but classes may have no
            images.
    """
    name = type(dataset).__name__
    dataset, indices = resolve_subset(dataset)
    if not hasattr(dataset, 'get_data_info'):
        raise TypeError(
            f'cannot count the labels of a {name}: it has no '
            'get_data_info(index), as the datasets of mmengine have'
        )
    classes = tuple(dataset.metainfo.get('classes') or ())
    if not classes:
        raise ValueError(
            f"the metainfo of a {name} has no 'classes': pass "
            'metainfo=dict(classes=[...]) to the dataset'
        )
    labels = np.array(
        [_label(dataset.get_data_info(i), len(classes), i) for i in indices],
        dtype=np.int64,
    )
    return classes, labels


def _label(info: dict, classes: int, index: int) -> int:
    """Return the label of an image, checked."""
    label: Any = info.get('gt_label')
    if label is None and info.get('gt_score') is not None:
        label = np.argmax(info['gt_score'])
    if label is None or np.ndim(label) or not 0 <= label < classes:
        raise ValueError(
            f'image {index}, {info.get("img_path")!r}, has gt_label '
            f'{label!r}; it must be from 0 to {classes - 1}'
        )
    return int(label)


_MOST_COLUMNS = 30


def count_table(
    classes: Sequence[str], rows: Mapping[str, Mapping[str, int]]
) -> str:
    """Format counts of images as a table with one column per class.

    Above 30 classes it has one line per class.

    Args:
        classes (Sequence[str]): The classes, in label order.
        rows (Mapping[str, Mapping[str, int]]): Title of each row to its
            counts, by canonical name.

    Returns:
        str: A line of names, then one line per row, with totals.
    """
    lines: list[Sequence[str]] = [['', *classes, 'total']]
    for title, counts in rows.items():
        cells = [counts.get(canonical_name(name), 0) for name in classes]
        lines.append([title, *map(str, [*cells, sum(counts.values())])])
    if len(classes) > _MOST_COLUMNS:
        lines = [*zip(*lines, strict=True)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join(
        '  ' + '  '.join(map(str.rjust, line, widths)) for line in lines
    )


def log_split(
    head: str,
    classes: Sequence[str],
    samples: Sequence[Sample],
    chosen: Sequence[Sample],
    expected: Mapping[str, Mapping[str, int] | None],
    rules: Mapping[str, str],
) -> None:
    """Log rules and counts per class of a split, and warn of unexpected ones.

    Args:
        head (str): Beginning of the messages.
        classes (Sequence[str]): The classes, in label order.
        samples (Sequence[Sample]): All images of the official part.
        chosen (Sequence[Sample]): Those of the split.
        expected (Mapping[str, Mapping[str, int] | None]): Source of the
            expected counts of the part, to the counts, if there are any.
        rules (Mapping[str, str]): Of ``BaseFERDataset.describe``.
    """
    logger = MMLogger.get_current_instance()
    read = Counter(sample.label for sample in samples)
    found = Counter(sample.label for sample in chosen)
    rows: dict[str, Mapping[str, int]] = {'read': read}
    for source, counts in expected.items():
        if counts is None:
            continue
        rows[source] = counts
        if read != Counter(counts):
            logger.warning(
                f'{head}: the counts are not the {source} ones; is the copy '
                f'complete and unchanged?\n{count_table(classes, rows)}'
            )
    if len(chosen) != len(samples):
        rows['this split'] = found
    empty = [c for c in classes if not found[canonical_name(c)]]
    if chosen and empty:
        logger.warning(f'{head}: there are no images of {empty}')
    logger.info(
        f'{head}\n  label rule: {rules["label_rule"]}\n'
        f'  split rule: {rules["split_rule"]}\n'
        f'  crop: {rules["crop"]}\n'
        f'{count_table(classes, rows)}'
    )
