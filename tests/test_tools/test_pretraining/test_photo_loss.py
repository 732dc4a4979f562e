import copy

import pytest
import torch
import torch.nn.functional as F

from tools.pretraining.photo_loss import PhotoLoss, label_contrast


def test_one_caption_a_image_is_clips_loss():
    logits = torch.randn(5, 5)
    target = torch.arange(5)
    clip = (
        F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
    ) / 2
    torch.testing.assert_close(label_contrast(logits, torch.eye(5)), clip)


def test_captions_of_the_same_label_all_fit():
    fits = torch.tensor([[1.0, 1, 0], [0, 0, 1]])
    equal = torch.tensor([[9.0, 9, 0], [0, 0, 9]])
    one = torch.tensor([[9.0, 0, 0], [0, 0, 9]])
    assert label_contrast(equal, fits) < label_contrast(one, fits)


def test_images_that_nothing_is_said_of():
    fits = torch.tensor([[1.0, 0], [0, 1], [0, 0]])
    loss = label_contrast(torch.zeros(3, 2), fits)
    assert loss.item() == pytest.approx((0.6931 + 1.0986) / 2, abs=1e-4)


def test_both_towers_learn(tiny_clip):
    clip = copy.deepcopy(tiny_clip).requires_grad_(True)
    loss = PhotoLoss(clip)
    labels = torch.tensor([0, 1, 0, 2])
    found = loss(
        torch.randn(4, 3, 32, 32),
        labels,
        ['a sad face', 'fear ' * 90],
        labels[:2],
    )
    sum(found.values()).backward()
    for name in ('visual.conv1.weight', 'token_embedding.weight'):
        assert clip.get_parameter(name).grad.abs().sum() > 0
