import numpy as np
import pytest

from mpafer_plugin.datasets.categories import EXPRESSIONS
from mpafer_plugin.datasets.synthetic.action_units import (
    ACTION_UNITS,
    INDEX,
    PROTOTYPES,
    sample_expression,
)


def showings(expression, count=300):
    return np.stack(
        [
            sample_expression(np.random.default_rng(i), expression)
            for i in range(count)
        ]
    )


def test_every_expression_has_a_prototype():
    assert set(PROTOTYPES) == set(EXPRESSIONS)


@pytest.mark.parametrize('expression', EXPRESSIONS)
def test_range(expression):
    units = showings(expression, 50)
    assert units.shape == (50, len(ACTION_UNITS))
    assert units.min() >= 0
    assert units.max() <= 1


def test_the_prototype_shows():
    smile = showings('happiness')[:, INDEX['AU12L']]
    assert smile.mean() > 0.4
    assert showings('anger')[:, INDEX['AU12L']].mean() < 0.15
    assert showings('surprise')[:, INDEX['AU26']].mean() > 0.3


def test_showings_differ():
    smile = showings('happiness')[:, INDEX['AU12L']]
    assert smile.std() > 0.1


def test_contempt_is_one_sided():
    units = showings('contempt')
    left, right = units[:, INDEX['AU14L']], units[:, INDEX['AU14R']]
    assert np.abs(left - right).mean() > 0.2
    assert (left > right).mean() == pytest.approx(0.5, abs=0.15)
