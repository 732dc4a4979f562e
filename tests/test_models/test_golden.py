"""The whole model on stored numbers: what no refactoring may move."""

import json

import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from open_clip.model import CLIP

CLASSES = ['happiness', 'fear', 'neutral']


def noise(*shape, phase):
    """Numbers in -1 to 1 that do not hang on a random generator."""
    place = torch.arange(torch.Size(shape).numel(), dtype=torch.double)
    value = ((12.9898 * place + phase).sin() * 43758.5453).frac()
    return value.float().reshape(shape)


@pytest.fixture
def model(tiny_arch, tmp_path):
    with open(tiny_arch) as file:
        weights = CLIP(**json.load(file)).state_dict()
    for i, name in enumerate(sorted(weights)):
        weights[name] = noise(*weights[name].shape, phase=i)
    path = str(tmp_path / 'noise.pt')
    torch.save(weights, path)
    tower = dict(arch=tiny_arch, pretrained=path)
    text = dict(
        type='PromptedCLIPText', **tower, classes=CLASSES, num_context=2
    )
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(type='PromptedCLIPViT', **tower),
            head=dict(
                type='PromptAlignmentHead',
                text=text,
                top_k=4,
                logit_scale=100.0,
            ),
        )
    )
    model.head.set_prototypes(noise(3, 12, phase=1))
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            if parameter.requires_grad:
                parameter.copy_(noise(*parameter.shape, phase=i))
    return model


def test_golden_logits_and_losses(model):
    images = noise(2, 3, 32, 32, phase=0)
    samples = [DataSample().set_gt_label(label) for label in (0, 2)]
    logits = model(images, mode='tensor')
    losses = model(images, samples, mode='loss')
    golden = [
        [-73.679146, -73.672264, -73.651268],
        [-76.631836, -76.624840, -76.603775],
    ]
    torch.testing.assert_close(logits, torch.tensor(golden), atol=1e-3, rtol=0)
    for name, value in (
        ('loss_cls', 1.096289),
        ('loss_token', 3.144000),
        ('loss_prompt', 0.050675),
        ('loss_proto', 0.687781),
    ):
        assert losses[name].item() == pytest.approx(value, abs=1e-4)
