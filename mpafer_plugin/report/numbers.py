"""Numbers of a report, as plain data for its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bootstrap import Bootstrap
from .calibration import (
    calibration_errors,
    fit_temperature,
    log_softmax,
    risk_coverage,
)
from .mistakes import label_issues, least_confident_right, wrong_pairs

PAIRS, IMAGES_OF_PAIR, IMAGES = 8, 6, 18
"""Pairs of classes whose errors are shown, images of each, and images of the
other lists."""


@dataclass(frozen=True)
class Temperature:
    """Temperature fitted on validation images.

    Args:
        value (float): Divides the logits.
        images (int): Validation images that it was fitted on.
    """

    value: float
    images: int

    @classmethod
    def fit(cls, logits: np.ndarray, true: np.ndarray) -> 'Temperature':
        """Fit it to logits (N, C) and classes (N,)."""
        return cls(fit_temperature(logits, true), len(true))


def class_rows(
    classes: Sequence[str], confusion: np.ndarray, bootstrap: Bootstrap, m: int
) -> list[dict[str, Any]]:
    """Return the scores of each class, in percent.

    Args:
        classes (Sequence[str]): The C classes.
        confusion (np.ndarray): Counts (C, C), rows are true classes.
        bootstrap (Bootstrap): Scores of all models.
        m (int): The model.
    """
    rows = []
    for c, recall in enumerate(bootstrap.recalls(m)):
        errors = confusion[c].copy()
        errors[c] = 0
        precision = float(bootstrap.point[m]['precision'][c])
        rows.append(
            dict(
                name=classes[c],
                images=int(confusion[c].sum()),
                recall=recall,
                precision=None if np.isnan(precision) else 100 * precision,
                f1=None
                if recall is None
                else 100 * float(bootstrap.point[m]['f1'][c]),
                taken_for=classes[errors.argmax()] if errors.any() else None,
            )
        )
    return rows


def confidence_numbers(
    logits: np.ndarray, true: np.ndarray, temperature: Temperature | None
) -> dict[str, Any]:
    """Return what is known of the confidence, see :mod:`calibration`.

    The order of the images by confidence, and so risk and coverage, is that
    of the probabilities that the model predicts.
    """
    probs = np.exp(log_softmax(logits))
    curve = risk_coverage(probs.max(1), probs.argmax(1) == true)
    after = None
    if temperature is not None:
        after = calibration_errors(logits, true, temperature.value)
    return dict(
        before=calibration_errors(logits, true),
        temperature=None if temperature is None else vars(temperature),
        after=after,
        risk_coverage=curve,
    )


def mistake_numbers(logits: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """Choose the images that are worth a look, see :mod:`mistakes`."""
    probs = np.exp(log_softmax(logits))
    return dict(
        pairs=wrong_pairs(probs, true, PAIRS, IMAGES_OF_PAIR),
        least_confident_right=least_confident_right(probs, true, IMAGES),
        label_issues=label_issues(logits, true),
    )


def confusion_of(
    true: np.ndarray, predicted: np.ndarray, num_classes: int
) -> np.ndarray:
    """Count images by true class (rows) and predicted class, (C, C)."""
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    return confusion


def plain(value: Any) -> Any:
    """Convert arrays and numbers of numpy for JSON."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
