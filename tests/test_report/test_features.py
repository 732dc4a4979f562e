import numpy as np
import pytest

from mpafer_plugin.report.features import (
    neighbour_accuracy,
    pca,
    silhouette,
    tsne,
)

# Unit vectors: two of class 0 alike, one of class 1 at a right angle, and one
# of class 1 opposite to class 0.
FEATURES = np.array([[1.0, 0], [1, 0], [0, 1], [-1, 0]])
LABELS = np.array([0, 0, 1, 1])


def test_neighbours_by_hand():
    # The third is as near to all others: the first of them counts.
    assert neighbour_accuracy(FEATURES, LABELS) == 75
    assert neighbour_accuracy(FEATURES, np.array([0, 1, 0, 0])) == 50


def test_silhouette_by_hand():
    # Distances are 1 - cosine: 0 and 1, 2 between the others. Class 0: own 0,
    # other (1 + 2) / 2. The third: own 1, other 1; the last: own 1, other 2.
    assert silhouette(FEATURES, LABELS) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    # An image alone in its class counts as 0.
    alone = silhouette(FEATURES[:3], LABELS[:3])
    assert alone == pytest.approx((1 + 1 + 0) / 3)
    assert np.isnan(silhouette(FEATURES, np.zeros(4, int)))


def test_silhouette_of_scikit_learn():
    metrics = pytest.importorskip('sklearn.metrics')
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 5))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = rng.integers(3, size=40)
    expected = metrics.silhouette_score(features, labels, metric='cosine')
    assert silhouette(features, labels) == pytest.approx(expected)


def test_axes_are_those_of_the_images():
    images = np.array([[0.0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 0]])
    places = pca(images, np.array([[2.0, 1, 9]]))
    assert np.abs(places[:4]) == pytest.approx(np.array(4 * [[2, 1]]))
    assert places[4] == pytest.approx([0, 0])  # the third axis is not theirs


def test_tsne_is_the_same_again():
    pytest.importorskip('sklearn')
    vectors = np.random.default_rng(0).normal(size=(20, 4))
    first = tsne(vectors)
    assert first.shape == (20, 2)
    np.testing.assert_array_equal(first, tsne(vectors))
    assert tsne(vectors[:5]) is None


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setattr(
        'mpafer_plugin.report.features.find_spec', lambda name: None
    )
    assert tsne(np.eye(20)) is None
