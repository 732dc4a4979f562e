"""Comparison of two models on the same images."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> dict[str, Any]:
    """Test whether two models err equally often (McNemar, 1947), exactly.

    Only images on which one model is right and the other wrong count: if
    both err equally often, each is the right one with probability 1/2.

    Args:
        right_a (np.ndarray): Whether the first model is right, (N,).
        right_b (np.ndarray): Whether the second is.

    Returns:
        dict: ``only_a`` and ``only_b``, images that only one has right, and
        ``p``, two-sided.
    """
    only_a = int((right_a & ~right_b).sum())
    only_b = int((~right_a & right_b).sum())
    num = only_a + only_b
    tail = sum(math.comb(num, k) for k in range(min(only_a, only_b) + 1))
    p = min(1.0, 2 * tail / 2**num)
    return dict(only_a=only_a, only_b=only_b, p=p)


def disagreements(
    probs_a: np.ndarray, probs_b: np.ndarray, images: int
) -> list[int]:
    """Find the images on which two models disagree with most confidence.

    Args:
        probs_a (np.ndarray): Probabilities of the first model, (N, C).
        probs_b (np.ndarray): Of the second.
        images (int): Number of images.

    Returns:
        list[int]: Indices, by the lower of both confidences, falling.
    """
    differ = np.flatnonzero(probs_a.argmax(1) != probs_b.argmax(1))
    both = np.minimum(probs_a[differ].max(1), probs_b[differ].max(1))
    return differ[np.argsort(-both, kind='stable')][:images].tolist()


def mean_and_spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean and sample standard deviation of at least two values."""
    return dict(mean=statistics.mean(values), std=statistics.stdev(values))
