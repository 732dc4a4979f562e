import torch

from mpafer_plugin.models.losses.utils import l1_distance


def test_values_by_hand():
    a = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    b = torch.tensor([[0.0, 2.0], [5.0, 0.0]])
    # (0.6, 0.8) - (0, 1) = (0.6, -0.2): 0.8 / sqrt(2); the others are equal.
    expected = torch.tensor([0.8 / 2**0.5, 0.0])
    torch.testing.assert_close(l1_distance(a, b), expected)


def test_is_on_the_scale_of_one_minus_cosine():
    a, b = torch.randn(2, 100, 512)
    assert 1.0 < l1_distance(a, b).mean() < 1.3


def test_broadcasts():
    assert l1_distance(torch.randn(5, 1, 8), torch.randn(7, 8)).shape == (5, 7)
