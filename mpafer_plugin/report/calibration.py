"""Calibration of the confidence, and risk against coverage."""

from typing import Any

import numpy as np

BINS = 15
TARGET = 0.95
"""Accuracy for which a threshold of the confidence is looked up."""

_BETAS = (1e-3, 1e3)  # range of 1 / temperature
_STEPS = 60  # bisections


def log_softmax(logits: np.ndarray, temperature: float = 1) -> np.ndarray:
    """Return the log-probabilities (N, C) of logits, in float64."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(1, keepdims=True))


def fit_temperature(logits: np.ndarray, true: np.ndarray) -> float:
    """Fit the temperature that divides the logits (Guo et al., 2017).

    The negative log likelihood is convex in the inverse temperature, so its
    derivative is bisected.

    Args:
        logits (np.ndarray): Logits of validation images, (N, C).
        true (np.ndarray): Their classes, (N,).

    Returns:
        float: The temperature, from 0.001 to 1,000: the limits are reached
        if all predictions are right, or none better than chance.
    """
    logits = logits.astype(np.float64)
    own = logits[np.arange(len(true)), true]

    def slope(beta: float) -> float:
        probs = np.exp(log_softmax(logits, 1 / beta))
        return float(((probs * logits).sum(1) - own).mean())

    low, high = np.log(_BETAS)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if slope(np.exp(middle)) <= 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def calibration_errors(
    logits: np.ndarray, true: np.ndarray, temperature: float = 1
) -> dict[str, Any]:
    """Measure the calibration of probabilities.

    Args:
        logits (np.ndarray): Logits (N, C).
        true (np.ndarray): True classes (N,).
        temperature (float): Divides the logits. Defaults to 1.

    Returns:
        dict: ``ece``, the expected calibration error over 15 bins of equally
        many images, in percent (Nixon et al., 2019); ``brier``, the sum of
        squared errors of the C probabilities (Brier, 1950), and ``nll``, means
        over the images; ``bins``, one dict of ``images``, mean ``confidence``
        and ``accuracy`` each.
    """
    logs = log_softmax(logits, temperature)
    probs = np.exp(logs)
    confidence, right = probs.max(1), probs.argmax(1) == true
    order = np.argsort(confidence, kind='stable')
    bins = [
        dict(
            images=len(part),
            confidence=float(confidence[part].mean()),
            accuracy=float(right[part].mean()),
        )
        for part in np.array_split(order, BINS)
        if len(part)
    ]
    gaps = [b['images'] * abs(b['accuracy'] - b['confidence']) for b in bins]
    own = np.arange(len(true)), true
    squares = (probs**2).sum(1) - 2 * probs[own] + 1
    return dict(
        ece=100 * sum(gaps) / len(true),
        brier=float(squares.mean()),
        nll=float(-logs[own].mean()),
        bins=bins,
    )


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Trade images that are answered against errors among them.

    Images are answered if their confidence reaches a threshold (Geifman and
    El-Yaniv, 2017).

    Args:
        confidence (np.ndarray): Largest probability of each image, (N,).
        right (np.ndarray): Whether each prediction is right, (N,).

    Returns:
        dict: ``coverage`` and ``risk``, the shares answered and wrong among
        them for each threshold, from the highest; ``area``, the mean risk
        over all coverages; and ``threshold``, the lowest with an accuracy of
        95 % among the answered images, with its ``coverage`` and
        ``accuracy``, None if there is none.
    """
    order = np.argsort(-confidence, kind='stable')
    answered = np.arange(1, len(order) + 1)
    risk = np.cumsum(~right[order]) / answered
    # Images of one confidence are answered together.
    ordered = confidence[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    enough = np.flatnonzero(last & (1 - risk >= TARGET))
    threshold = None
    if len(enough):
        i = enough[-1]
        threshold = dict(
            confidence=float(ordered[i]),
            coverage=float(answered[i] / len(order)),
            accuracy=float(1 - risk[i]),
        )
    return dict(
        coverage=(answered / len(order))[last],
        risk=risk[last],
        area=float(risk.mean()),
        threshold=threshold,
    )
