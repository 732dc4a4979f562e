import numpy as np


def class_scores(
    hits: np.ndarray, support: np.ndarray, predicted: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute scores from the counts of each class, as shares of 1.

    Args:
        hits (np.ndarray): Correct images of each class, (..., C).
        support (np.ndarray): Images of each class, (..., C).
        predicted (np.ndarray): Images predicted as each class, (..., C).

    Returns:
        dict[str, np.ndarray]: ``accuracy``, ``uar`` (mean recall) and
        ``macro_f1`` of shape (...), and ``recall``, ``precision`` and ``f1``
        of shape (..., C). Classes without images are left out of both means
        and have NaN as recall; one that is never predicted has NaN as
        precision.
    """
    present = support > 0
    with np.errstate(invalid='ignore', divide='ignore'):
        recall = hits / support
        precision = hits / predicted
        f1 = 2 * hits / (support + predicted)
        classes = present.sum(-1)
        return dict(
            accuracy=hits.sum(-1) / support.sum(-1),
            uar=np.where(present, recall, 0).sum(-1) / classes,
            macro_f1=np.where(present, f1, 0).sum(-1) / classes,
            recall=recall,
            precision=precision,
            f1=f1,
        )
