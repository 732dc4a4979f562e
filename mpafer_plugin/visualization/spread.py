from collections.abc import Sequence

import numpy as np


def spread_over_classes(
    labels: Sequence[int], number: int, seed: int = 0
) -> list[int]:
    """Draw images at random, one of each class in turn.

    Args:
        labels (Sequence[int]): Class of each image.
        number (int): Images to draw; all if there are fewer.
        seed (int): Seed of the draw. Defaults to 0.

    Returns:
        list[int]: Distinct indices: one image of each class, in label order,
        then the next of each class, and so on.
    """
    rng = np.random.default_rng(seed)
    every = np.asarray(labels)
    order = rng.permutation(len(every))
    turns = np.empty(len(every), int)  # images of its class before it
    for label in np.unique(every):
        own = order[every[order] == label]
        turns[own] = np.arange(len(own))
    return np.lexsort((every, turns))[:number].tolist()
