"""Separation of the classes by global features."""

from importlib.util import find_spec

import numpy as np

TSNE_SEED = 0


def neighbour_accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Classify each image as its nearest other image, by cosine.

    Args:
        features (np.ndarray): Normalised features (S, D).
        labels (np.ndarray): Classes (S,).

    Returns:
        float: Accuracy in percent.
    """
    similarity = features @ features.T
    np.fill_diagonal(similarity, -np.inf)
    return 100 * float((labels[similarity.argmax(1)] == labels).mean())


def silhouette(features: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean silhouette of the classes (Rousseeuw, 1987).

    Distances are 1 - cosine. An image alone in its class has 0.

    Args:
        features (np.ndarray): Normalised features (S, D).
        labels (np.ndarray): Classes (S,), at least two different.

    Returns:
        float: From -1 to 1; NaN if there is one class only.
    """
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return float('nan')
    member = np.eye(len(classes))[index]  # (S, C)
    distance = 1 - features.astype(np.float64) @ features.T
    np.fill_diagonal(distance, 0)
    sums, sizes = distance @ member, member.sum(0)
    rows = np.arange(len(labels))
    own = sums[rows, index] / np.maximum(sizes[index] - 1, 1)
    means = sums / sizes
    means[rows, index] = np.inf
    other = means.min(1)
    spread = np.maximum(own, other)
    values = np.where(spread > 0, (other - own) / np.maximum(spread, 1e-12), 0)
    return float(np.where(sizes[index] > 1, values, 0).mean())


def pca(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Project features on their two main axes.

    Args:
        features (np.ndarray): Features (S, D), at least two.
        others (np.ndarray): Further vectors (T, D), which do not count for
            the axes.

    Returns:
        np.ndarray: (S + T, 2).
    """
    mean = features.mean(0)
    _, _, axes = np.linalg.svd(features - mean, full_matrices=False)
    return (np.concatenate([features, others]) - mean) @ axes[:2].T


def tsne(vectors: np.ndarray) -> np.ndarray | None:
    """Embed vectors in the plane by t-SNE (van der Maaten and Hinton, 2008).

    Args:
        vectors (np.ndarray): Normalised vectors (S, D); distances are 1 -
            cosine.

    Returns:
        np.ndarray | None: (S, 2); None if scikit-learn is not installed, or
        there are fewer than 10 vectors.
    """
    if len(vectors) < 10 or find_spec('sklearn') is None:
        return None
    from sklearn.manifold import TSNE

    embedding = TSNE(
        perplexity=min(30, (len(vectors) - 1) / 3),
        metric='cosine',
        init='pca',
        random_state=TSNE_SEED,
    )
    return embedding.fit_transform(vectors)
