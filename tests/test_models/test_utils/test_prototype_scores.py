import torch

from mpafer_plugin.models.utils import prototype_scores

IMAGES = torch.tensor([[3.0, 4.0]])
PROTOTYPES = torch.tensor([[2.0, 0.0], [0.0, 0.5]])


def test_values_by_hand():
    none = torch.zeros(2, 2)
    scores = prototype_scores(IMAGES, PROTOTYPES, none)
    torch.testing.assert_close(scores, torch.tensor([[0.6, 0.8]]))
    # (1, 0) + (0, 1) has the direction (1, 1); (0, 1) doubled keeps its own.
    moved = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    scores = prototype_scores(IMAGES, PROTOTYPES, moved)
    torch.testing.assert_close(scores, torch.tensor([[1.4 / 2**0.5, 0.8]]))


def test_mixed_precision_keeps_the_digits():
    expected = prototype_scores(IMAGES, PROTOTYPES, torch.zeros(2, 2))
    with torch.autocast('cpu', torch.bfloat16):
        scores = prototype_scores(IMAGES, PROTOTYPES, torch.zeros(2, 2))
    assert scores.dtype == torch.float32
    assert torch.equal(scores, expected)


def test_offsets_get_the_gradient_and_prototypes_none():
    offsets = torch.zeros(2, 2, requires_grad=True)
    prototype_scores(IMAGES, PROTOTYPES, offsets)[0, 0].backward()
    assert offsets.grad is not None
    # Along the prototype nothing changes; across it the cosine rises by 0.8.
    torch.testing.assert_close(
        offsets.grad, torch.tensor([[0.0, 0.8], [0.0, 0.0]])
    )
