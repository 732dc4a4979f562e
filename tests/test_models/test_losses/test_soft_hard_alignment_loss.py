import math

import pytest
import torch

from mpafer_plugin.models import SoftHardAlignmentLoss

SOFT = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
HARD = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
ROOT = 1 / math.sqrt(2)
# Cosines of soft c (row) with hard d (column): (1, 0), (ROOT, ROOT).


def nll(own, other, tau):
    return math.log(1 + math.exp((other - own) / tau))


def test_contrastive_by_hand():
    tau = 0.5
    # For each hard prompt, over the soft ones (Eq. 1).
    soft = (nll(1, ROOT, tau) + nll(ROOT, 0, tau)) / 2
    # For each soft prompt, over the hard ones.
    hard = (nll(1, 0, tau) + nll(ROOT, ROOT, tau)) / 2
    for direction, expected in (
        ('soft', soft),
        ('hard', hard),
        ('symmetric', (soft + hard) / 2),
    ):
        loss = SoftHardAlignmentLoss(direction=direction, temperature=tau)
        assert loss(SOFT, HARD).item() == pytest.approx(expected, rel=1e-6)


def test_l1_by_hand():
    # Class 0 agrees; class 1 is (ROOT, ROOT) - (0, 1).
    expected = (ROOT + 1 - ROOT) / math.sqrt(2) / 2
    loss = SoftHardAlignmentLoss(mode='l1')
    assert loss(SOFT, HARD).item() == pytest.approx(expected, rel=1e-6)


def test_defaults_and_weight():
    loss = SoftHardAlignmentLoss()
    assert (loss.mode, loss.direction) == ('contrastive', 'soft')
    assert loss.temperature == 0.07
    double = SoftHardAlignmentLoss(loss_weight=2.0)
    torch.testing.assert_close(double(SOFT, HARD), 2 * loss(SOFT, HARD))


def test_same_soft_prompts_give_ln_c():
    loss = SoftHardAlignmentLoss()
    same = torch.ones(7, 5)
    value = loss(same, torch.randn(7, 5)).item()
    assert value == pytest.approx(math.log(7), rel=1e-5)


@pytest.mark.parametrize(
    'kwargs, message',
    [
        (dict(mode='l2'), "mode='l2' is not one of"),
        (dict(direction='both'), "direction='both' is not one of"),
        (dict(temperature=0), 'temperature=0 is not positive'),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SoftHardAlignmentLoss(**kwargs)
