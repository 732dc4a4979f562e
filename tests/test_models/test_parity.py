"""Parity with open_clip at full size, on random weights from a file."""

import open_clip
import pytest
import torch

from mpafer_plugin.datasets.categories import EXPRESSIONS
from mpafer_plugin.models import PromptedCLIPText, PromptedCLIPViT


@pytest.mark.slow
@pytest.mark.parametrize(
    'arch, learnable',
    [('ViT-B-16-quickgelu', 78_848), ('ViT-L-14-quickgelu', 204_288)],
)
def test_parity_and_learnable_values(arch, learnable, tmp_path):
    reference = open_clip.create_model(arch).eval().requires_grad_(False)
    path = str(tmp_path / 'weights.pt')
    torch.save(reference.state_dict(), path)
    images = torch.randn(2, 3, 224, 224)

    backbone = PromptedCLIPViT(arch, path)
    with torch.no_grad():
        ((feature, _),) = backbone(images, prompted=False)
    image_error = (feature - reference.encode_image(images)).abs().max()

    text = PromptedCLIPText(arch, path, EXPRESSIONS)
    texts = [texts[0] for texts in text.hard_texts]
    tokens = open_clip.get_tokenizer(arch)(texts)
    text_error = (text.hard_features - reference.encode_text(tokens)).abs()
    print(f'{arch}: image {image_error:.1e}, text {text_error.max():.1e}')
    assert image_error <= 1e-5
    assert text_error.max() <= 1e-5
    assert feature.abs().max() > 0.1 and text.hard_features.abs().max() > 0.1

    trainable = {
        name: parameter.numel()
        for part in (backbone, text)
        for name, parameter in part.named_parameters()
        if parameter.requires_grad
    }
    assert list(trainable) == ['prompts', 'context']
    assert sum(trainable.values()) == learnable
