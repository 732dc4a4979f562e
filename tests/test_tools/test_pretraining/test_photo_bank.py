import numpy as np
import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

from tools.pretraining.photo_bank import PhotoBank


def test_serves_normalised_images_of_the_tower():
    grey = np.full((48, 48), 128, np.uint8)
    bank = PhotoBank([grey] * 3, 64)
    assert len(bank) == 3
    served = bank.augmented(np.arange(3), np.random.default_rng(0))
    assert served.shape == (3, 3, 64, 64)
    mean = torch.tensor(OPENAI_DATASET_MEAN).view(3, 1, 1)
    std = torch.tensor(OPENAI_DATASET_STD).view(3, 1, 1)
    pixels = served * std + mean
    assert pixels.min() >= -1e-5 and pixels.max() <= 1 + 1e-5
    # grey stays grey
    torch.testing.assert_close(pixels[:, 0], pixels[:, 2])


def test_varies_and_repeats():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    bank = PhotoBank([image], 64)
    chosen = np.zeros(8, int)
    once = bank.augmented(chosen, np.random.default_rng(1))
    again = bank.augmented(chosen, np.random.default_rng(1))
    torch.testing.assert_close(once, again)
    assert all((once[0] - x).abs().mean() > 0.05 for x in once[1:])


def test_half_are_mirrored_and_upright():
    image = np.zeros((48, 48), np.uint8)
    image[:16, :16] = 255  # the left above
    bank = PhotoBank([image], 64)
    served = bank.augmented(np.zeros(200, int), np.random.default_rng(0))
    grey = served[:, 0]
    left = grey[:, :20, :20].mean((1, 2)) > grey[:, :20, -20:].mean((1, 2))
    assert 0.35 < left.float().mean() < 0.65
    above = grey[:, :20].mean((1, 2)) > grey[:, -20:].mean((1, 2))
    assert above.float().mean() > 0.9
