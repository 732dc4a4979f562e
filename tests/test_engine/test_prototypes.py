import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS

from mpafer_plugin.engine.prototypes import class_prototypes


@pytest.fixture
def backbone(tiny):
    return MODELS.build(dict(type='PromptedCLIPViT', **tiny)).train()


@pytest.mark.parametrize('normalize', [True, False])
def test_means_over_batches(backbone, normalize):
    images, labels = torch.randn(7, 3, 32, 32), torch.arange(7) % 3
    batches = zip(images.split(3), labels.split(3), strict=True)
    prototypes = class_prototypes(backbone, batches, 3, normalize)
    with torch.no_grad():
        ((rows, _),) = backbone(images, prompted=False)
    if normalize:
        rows = F.normalize(rows, dim=-1)
    expected = torch.stack([rows[labels == c].mean(0) for c in range(3)])
    torch.testing.assert_close(prototypes.float(), expected)
    assert prototypes.dtype == torch.float64
    assert backbone.training  # as before


def test_an_empty_class_is_named(backbone):
    batch = torch.randn(2, 3, 32, 32), torch.tensor([0, 2])
    with pytest.raises(ValueError, match=r'no images of the classes \[1\]'):
        class_prototypes(backbone, [batch], 3)


def test_sums_are_in_float64_image_by_image(backbone):
    images, labels = torch.randn(9, 3, 32, 32), torch.arange(9) % 2
    found = class_prototypes(backbone, [(images, labels)], 2)
    with torch.no_grad():
        ((rows, _),) = backbone(images, prompted=False)
    sums = torch.zeros(2, 12, dtype=torch.float64)
    sums.index_add_(0, labels, F.normalize(rows, dim=-1).double())
    counts = torch.tensor([[5], [4]])
    assert torch.equal(found, sums / counts)
