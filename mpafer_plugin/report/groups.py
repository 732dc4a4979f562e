"""Results by group of people."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .bootstrap import Bootstrap

SMALLEST = 30
"""Images of a group, or of a class in it, below which it is too small."""


def group_results(
    columns: Mapping[str, Sequence[str]],
    true: np.ndarray,
    predicted: np.ndarray,
    num_classes: int,
    persons: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Compute the scores of the groups that columns of an annotation give.

    Args:
        columns (Mapping[str, Sequence[str]]): Name of each column to its
            value for each of N images; '' is not known.
        true (np.ndarray): True classes (N,).
        predicted (np.ndarray): Predicted classes (N,).
        num_classes (int): Number of classes.
        persons (np.ndarray, optional): See :class:`Bootstrap`.

    Returns:
        dict[str, dict]: For each column ``groups``, by falling size, and
        ``gap``, the largest difference of accuracy between two groups of at
        least 30 images: ``points``, ``best``, ``worst`` and the ``images`` of
        both; None with fewer than two such groups.
    """
    return {
        name: _column(
            np.asarray(values), true, predicted, num_classes, persons
        )
        for name, values in columns.items()
    }


def _column(
    values: np.ndarray,
    true: np.ndarray,
    predicted: np.ndarray,
    num_classes: int,
    persons: np.ndarray | None,
) -> dict[str, Any]:
    names, counts = np.unique(values, return_counts=True)
    groups = []
    for name in names[np.argsort(-counts, kind='stable')]:
        own = values == name
        inside = None
        if persons is not None:
            inside = np.unique(persons[own], return_inverse=True)[1]
        bootstrap = Bootstrap(true[own], [predicted[own]], num_classes, inside)
        support = np.bincount(true[own], minlength=num_classes)
        groups.append(
            dict(
                group=str(name) or '(not known)',
                images=int(own.sum()),
                persons=None if inside is None else int(inside.max()) + 1,
                too_small=bool(own.sum() < SMALLEST),
                support=support.tolist(),
                recall=bootstrap.recalls(),
                **bootstrap.intervals(),
            )
        )
    return dict(groups=groups, gap=_gap(groups))


def _gap(groups: Sequence[dict]) -> dict[str, Any] | None:
    large = [
        group
        for group in groups
        if not group['too_small'] and group['group'] != '(not known)'
    ]
    if len(large) < 2:
        return None
    large.sort(key=lambda group: group['accuracy']['value'])
    worst, best = large[0], large[-1]
    return dict(
        points=best['accuracy']['value'] - worst['accuracy']['value'],
        best=best['group'],
        worst=worst['group'],
        images=[best['images'], worst['images']],
    )
