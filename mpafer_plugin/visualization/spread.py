from collections.abc import Sequence

import numpy as np


def spread_over_classes(
    labels: Sequence[int], number: int, seed: int = 0
) -> list[int]:
    """Choose images at random, one of each class in turn.

    Args:
        labels (Sequence[int]): Class of each image.
        number (int): How many to choose; fewer if there are not as many.
        seed (int): Another seed chooses others. Defaults to 0.

    Returns:
        list[int]: Indices of the images, none twice. The first are one of
        each class that has any, in label order, and so on.
    """
    rng = np.random.default_rng(seed)
    every = np.asarray(labels)
    order = rng.permutation(len(every))
    turns = np.empty(len(every), int)  # how many of its class stand before
    for label in np.unique(every):
        own = order[every[order] == label]
        turns[own] = np.arange(len(own))
    return np.lexsort((every, turns))[:number].tolist()
