import numpy as np
import pytest

from mpafer_plugin.report.comparison import (
    disagreements,
    mcnemar,
    mean_and_spread,
)


def test_mcnemar_of_twelve_images(twelve):
    probs, true = twelve
    right = probs.argmax(1) == true
    # The other model has the three wrong images right: (1/2)^3, two-sided.
    found = mcnemar(right, np.ones(12, bool))
    assert found == dict(only_a=0, only_b=3, p=0.25)
    # ... and two of the others wrong: (1 + 5 + 10) / 32 on each side.
    other = ~np.isin(np.arange(12), [0, 1])
    assert mcnemar(right, other) == dict(only_a=2, only_b=3, p=1)
    assert mcnemar(right, right)['p'] == 1


def test_disagreements_by_the_lower_confidence(twelve):
    probs, _ = twelve
    other = probs.copy()
    other[3] = 0.1, 0.2, 0.7  # both at least 0.5
    other[5] = 0.75, 0.15, 0.1  # at least 0.75
    assert disagreements(probs, other, 5) == [5, 3]
    assert disagreements(probs, other, 1) == [5]


def test_spread_of_seeds():
    found = mean_and_spread([70.0, 72.0, 74.0])
    assert found == dict(mean=72, std=pytest.approx(2))
