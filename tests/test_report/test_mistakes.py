import numpy as np
import pytest

from mpafer_plugin.report.mistakes import (
    label_issues,
    least_confident_right,
    wrong_pairs,
)


def test_errors_by_pair(twelve):
    found = wrong_pairs(*twelve, pairs=2, images=1)
    assert found == [
        dict(true=0, predicted=1, errors=1, images=[4]),
        dict(true=1, predicted=0, errors=1, images=[8]),
    ]


def test_the_most_frequent_pair_and_its_most_confident_images():
    probs = np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    (pair, other) = wrong_pairs(probs, np.array([1, 1, 1, 0]), 9, 2)
    assert pair == dict(true=1, predicted=0, errors=3, images=[1, 2])
    assert other['images'] == [3]
    assert wrong_pairs(probs, probs.argmax(1), 9, 9) == []


def test_right_with_the_lowest_confidence(twelve):
    assert least_confident_right(*twelve, images=4) == [3, 7, 11, 0]


def test_label_issues_by_hand(twelve):
    probs, true = twelve
    # Means of the own class are 0.6, 0.55 and 0.5: images 4 and 8 reach that
    # of another class; image 10 has 0.5 of class 0, less than 0.6.
    found = label_issues(np.log(probs), true)
    assert [(i['image'], i['label'], i['suggested']) for i in found] == [
        (4, 0, 1),
        (8, 1, 0),
    ]
    assert found[0]['margin'] == pytest.approx(0.7)
