import pytest
import torch

from mpafer_plugin.models.utils import (
    global_local_scores,
    prototype_scores,
    single_precision,
)

TEXTS = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
GLOBAL = torch.tensor([[3.0, 4.0]])
PATCHES = torch.tensor([[[1.0, 0.0], [0.6, 0.8], [0.0, -5.0]]])


def test_values_by_hand():
    # Global 0.6, 0.8. Of the patches' cosines (1, 0.6, 0) and (0, 0.8, -1)
    # the two largest: means 0.8 and 0.4, each class with its own patches.
    scores = global_local_scores(GLOBAL, PATCHES, TEXTS, 2, 1.0)
    torch.testing.assert_close(scores, torch.tensor([[1.4, 1.2]]))
    scores = global_local_scores(GLOBAL, PATCHES, TEXTS, 2, 0.5)
    torch.testing.assert_close(scores, torch.tensor([[1.0, 1.0]]))


def test_without_the_local_score_patches_do_not_matter():
    scores = global_local_scores(GLOBAL, PATCHES, TEXTS, 99, 0.0)
    torch.testing.assert_close(scores, torch.tensor([[0.6, 0.8]]))


def test_too_few_patches():
    with pytest.raises(ValueError, match='top_k=4 exceeds the 3 patches'):
        global_local_scores(GLOBAL, PATCHES, TEXTS, 4, 1.0)


def test_mixed_precision_keeps_the_digits():
    parts = torch.randn(4, 32), torch.randn(4, 9, 32), torch.randn(7, 32)
    expected = global_local_scores(*parts, 3, 1.0)
    with torch.autocast('cpu', torch.bfloat16):
        # The control: a product of its own would lose them.
        assert (parts[0] @ parts[2].T).dtype == torch.bfloat16
        torch.testing.assert_close(
            global_local_scores(*parts, 3, 1.0), expected
        )
    half = [x.bfloat16() for x in parts]
    assert global_local_scores(*half, 3, 1.0).dtype == torch.float32


def test_single_precision():
    for before, after in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ):
        assert single_precision(torch.ones(2, dtype=before)).dtype == after


IMAGES = torch.tensor([[3.0, 4.0]])
PROTOTYPES = torch.tensor([[2.0, 0.0], [0.0, 0.5]])


def test_prototype_scores_by_hand():
    none = torch.zeros(2, 2)
    scores = prototype_scores(IMAGES, PROTOTYPES, none)
    torch.testing.assert_close(scores, torch.tensor([[0.6, 0.8]]))
    # (1, 0) + (0, 1) has the direction (1, 1); (0, 1) doubled keeps its own.
    moved = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    scores = prototype_scores(IMAGES, PROTOTYPES, moved)
    torch.testing.assert_close(scores, torch.tensor([[1.4 / 2**0.5, 0.8]]))


def test_prototype_scores_in_mixed_precision():
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
