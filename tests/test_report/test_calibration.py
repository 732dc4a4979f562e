import math

import numpy as np
import pytest

from mpafer_plugin.report.calibration import (
    calibration_errors,
    fit_temperature,
    risk_coverage,
)


def test_errors_of_twelve_images(twelve):
    probs, true = twelve
    found = calibration_errors(np.log(probs), true)
    # One image a bin: six gaps of 0.2, two of 0.8, four of 0.5.
    assert found['ece'] == pytest.approx(100 * 4.8 / 12)
    assert len(found['bins']) == 12
    assert found['brier'] == pytest.approx(
        (6 * 0.06 + 2 * 1.46 + 3 * 0.38 + 0.98) / 12
    )
    nll = 6 * math.log(1.25) + 2 * math.log(10) + 3 * math.log(2) + math.log(5)
    assert found['nll'] == pytest.approx(nll / 12)


def test_bins_of_equally_many_images():
    probs = np.linspace(0.6, 0.9, 30)
    logits = np.log(np.stack([probs, 1 - probs], 1))
    found = calibration_errors(logits, np.zeros(30, int))
    assert [b['images'] for b in found['bins']] == 15 * [2]
    assert found['bins'][0]['confidence'] == pytest.approx(probs[:2].mean())
    assert found['ece'] == pytest.approx(25)  # all right at 0.75


def test_temperature_by_hand():
    # Three of four are right: the best probability is 3/4, sigmoid(ln 3).
    logits = np.array(4 * [[2.0, 0.0]])
    true = np.array([0, 0, 0, 1])
    temperature = fit_temperature(logits, true)
    assert temperature == pytest.approx(2 / math.log(3))
    after = calibration_errors(logits, true, temperature)
    assert after['nll'] < calibration_errors(logits, true)['nll']
    assert after['bins'][0]['confidence'] == pytest.approx(0.75)


@pytest.mark.parametrize('true, limit', [(0, 1e-3), (1, 1e3)])
def test_limits_of_the_temperature(true, limit):
    found = fit_temperature(np.array([[2.0, 0.0]]), np.array([true]))
    assert found == pytest.approx(limit)


def test_risk_of_twelve_images(twelve):
    probs, true = twelve
    right = probs.argmax(1) == true
    found = risk_coverage(probs.max(1), right)
    # Eight images with 0.8, of which two are wrong, then all.
    assert found['coverage'].tolist() == [8 / 12, 1]
    assert found['risk'].tolist() == [2 / 8, 3 / 12]
    assert found['threshold'] is None


def test_threshold_of_the_most_coverage():
    confidence = np.linspace(1, 0.1, 40)
    right = np.ones(40, bool)
    right[[0, 30, 35]] = False
    found = risk_coverage(confidence, right)
    # 1 of 20 to 30 wrong is at least 95 %, and so are 2 of 40, not 3.
    assert found['threshold'] == dict(
        confidence=confidence[29], coverage=0.75, accuracy=1 - 1 / 30
    )
