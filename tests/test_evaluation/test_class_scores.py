import numpy as np
import pytest

from mpafer_plugin.evaluation import class_scores


def test_by_hand():
    confusion = np.array([[4, 1, 0], [1, 3, 0], [0, 0, 0]])
    scores = class_scores(
        confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    )
    assert scores['accuracy'] == 7 / 9
    assert scores['uar'] == pytest.approx((4 / 5 + 3 / 4) / 2)
    assert scores['macro_f1'] == pytest.approx((8 / 10 + 6 / 8) / 2)
    assert np.isnan(scores['recall'][2]) and np.isnan(scores['precision'][2])


def test_several_matrices_at_once():
    hits, support = np.array([[1, 0], [2, 2]]), np.array([[1, 1], [2, 2]])
    scores = class_scores(hits, support, support)
    assert scores['accuracy'].tolist() == [0.5, 1]
    assert scores['recall'].shape == (2, 2)
