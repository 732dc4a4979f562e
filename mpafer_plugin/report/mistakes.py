"""Images that are worth a look: errors, doubts and doubtful labels."""

from typing import Any

import numpy as np

from .calibration import log_softmax


def wrong_pairs(
    probs: np.ndarray, true: np.ndarray, pairs: int, images: int
) -> list[dict[str, Any]]:
    """Find the most confident errors, by pair of classes.

    Args:
        probs (np.ndarray): Probabilities (N, C).
        true (np.ndarray): True classes (N,).
        pairs (int): Number of pairs, those with the most errors.
        images (int): Images of each pair.

    Returns:
        list[dict]: ``true``, ``predicted``, ``errors`` (how many) and
        ``images``, indices by falling confidence.
    """
    predicted, confidence = probs.argmax(1), probs.max(1)
    wrong = np.flatnonzero(predicted != true)
    kinds, inverse, counts = np.unique(
        np.stack([true[wrong], predicted[wrong]], 1),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    found = []
    for kind in np.argsort(-counts, kind='stable')[:pairs]:
        own = wrong[inverse.reshape(-1) == kind]
        order = np.argsort(-confidence[own], kind='stable')
        found.append(
            dict(
                true=int(kinds[kind, 0]),
                predicted=int(kinds[kind, 1]),
                errors=int(counts[kind]),
                images=own[order][:images].tolist(),
            )
        )
    return found


def least_confident_right(
    probs: np.ndarray, true: np.ndarray, images: int
) -> list[int]:
    """Find the right predictions with the lowest confidence."""
    right = np.flatnonzero(probs.argmax(1) == true)
    order = np.argsort(probs[right].max(1), kind='stable')
    return right[order][:images].tolist()


def label_issues(logits: np.ndarray, true: np.ndarray) -> list[dict[str, Any]]:
    """Find candidates of label noise by confident learning.

    A class is *confident* for an image if its probability reaches the mean
    that it has among the images labelled so; an image whose most probable
    confident class is not its label is a candidate (Northcutt, Jiang and
    Chuang, Confident Learning, JAIR 2021, pruned by noise rate off the
    diagonal of the confident joint). A model that was not trained on the
    images is assumed.

    Args:
        logits (np.ndarray): Logits (N, C).
        true (np.ndarray): Labels (N,).

    Returns:
        list[dict]: ``image`` (index), ``label``, ``suggested`` and
        ``margin``, how much more probable the suggestion is, by falling
        margin.
    """
    probs = np.exp(log_softmax(logits))
    own = probs[np.arange(len(true)), true]
    counts = np.bincount(true, minlength=probs.shape[1])
    sums = np.bincount(true, own, probs.shape[1])
    # No image is labelled so: the class is never confident.
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probs >= means, probs, -1)
    suggested = confident.argmax(1)
    found = (confident.max(1) >= 0) & (suggested != true)
    candidates = np.flatnonzero(found)
    margin = probs[candidates, suggested[candidates]] - own[candidates]
    return [
        dict(
            image=int(i),
            label=int(true[i]),
            suggested=int(suggested[i]),
            margin=float(m),
        )
        for m, i in sorted(
            zip(margin, candidates, strict=True), key=lambda x: -x[0]
        )
    ]
