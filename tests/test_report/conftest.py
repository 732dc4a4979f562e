import numpy as np
import pytest

SURE, UNSURE = (0.8, 0.1, 0.1), (0.5, 0.3, 0.2)


@pytest.fixture
def twelve():
    """Probabilities (12, 3) and labels of twelve images.

    Nine are right. By hand: confusion [[4, 1, 0], [1, 3, 0], [1, 0, 2]].
    """
    rows = [
        SURE, SURE, SURE, UNSURE, (0.1, 0.8, 0.1),
        (0.1, 0.8, 0.1), (0.1, 0.8, 0.1), (0.2, 0.5, 0.3), SURE,
        (0.1, 0.1, 0.8), UNSURE, (0.2, 0.3, 0.5),
    ]  # fmt: skip
    return np.array(rows), np.array(5 * [0] + 4 * [1] + 3 * [2])
