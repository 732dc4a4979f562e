import pytest
import torch

from mpafer_plugin.models import PrototypeAlignmentLoss

FEATURES = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]])
PROTOTYPES = torch.tensor([[1.0, 0.0, 0.0], [0.0, 5.0, 0.0]])
# Cosines, feature by prototype: (0.6, 0.8), (0, 0).


def test_cosine_by_hand():
    loss = PrototypeAlignmentLoss()
    value = loss(FEATURES, torch.tensor([1, 0]), PROTOTYPES)
    assert value.item() == pytest.approx((0.2 + 1.0) / 2)


def test_l1_by_hand():
    loss = PrototypeAlignmentLoss(metric='l1')
    value = loss(FEATURES, torch.tensor([0, 0]), PROTOTYPES)
    # |(0.6, 0.8, 0) - (1, 0, 0)| = 1.2 and |(0, 0, 1) - (1, 0, 0)| = 2.
    assert value.item() == pytest.approx((1.2 + 2.0) / 2 / 3**0.5)


def test_soft_targets_weigh_the_distances():
    loss = PrototypeAlignmentLoss()
    targets = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    value = loss(FEATURES, targets, PROTOTYPES)
    expected = (0.25 * 0.4 + 0.75 * 0.2 + 1.0) / 2
    assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize('metric', ['cosine', 'l1'])
def test_one_hot_targets_are_labels(metric):
    loss = PrototypeAlignmentLoss(metric=metric)
    labels = torch.tensor([1, 0])
    one_hot = torch.nn.functional.one_hot(labels, 2).float()
    torch.testing.assert_close(
        loss(FEATURES, labels, PROTOTYPES), loss(FEATURES, one_hot, PROTOTYPES)
    )


def test_weight_and_avg_factor():
    loss = PrototypeAlignmentLoss(loss_weight=3.0)
    value = loss(FEATURES, torch.tensor([1, 0]), PROTOTYPES, avg_factor=4)
    assert value.item() == pytest.approx(3 * 1.2 / 4)


def test_unknown_metric():
    with pytest.raises(ValueError, match="metric='l2' is not one of"):
        PrototypeAlignmentLoss(metric='l2')
