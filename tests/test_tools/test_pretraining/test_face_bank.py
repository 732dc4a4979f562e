import numpy as np
import pytest
import torch

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS, INDEX
from tools.pretraining.face_bank import FaceBank
from tools.pretraining.landmarks import LANDMARKS
from tools.pretraining.wide_faces import draw_wide_face


def bank_of_dots(point, place):
    """A black image with a white dot where one landmark is."""
    images = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    column, row = (int(64 * part) for part in point)
    images[0, :, row, column] = 255
    landmarks = torch.full((1, len(LANDMARKS), 2), 0.5)
    landmarks[0, place] = (torch.tensor([column, row]) + 0.5) / 64
    units = torch.arange(len(ACTION_UNITS)).float()[None] / 100
    return FaceBank(images, units, landmarks)


@pytest.mark.parametrize('seed', range(8))
def test_landmarks_follow_the_image(seed):
    left = LANDMARKS.index('corner_L')
    bank = bank_of_dots((0.3, 0.7), left)
    batch = bank.augmented(np.array([0]), np.random.default_rng(seed))
    brightest = batch.images[0].sum(0).flatten().argmax()
    dot = torch.stack([brightest % 64, brightest // 64]) / 64
    mirrored = batch.units[0, INDEX['AU12L']] != 0.08
    place = LANDMARKS.index('corner_R') if mirrored else left
    assert bool(mirrored) == bool(dot[0] > 0.5)
    assert torch.allclose(batch.landmarks[0, place], dot, atol=0.03)


def test_mirror_swaps_sides_only():
    bank = bank_of_dots((0.3, 0.7), 0)
    units = [
        bank.augmented(np.array([0]), np.random.default_rng(seed)).units[0]
        for seed in range(8)
    ]
    swapped = next(u for u in units if not torch.equal(u, bank.units[0]))
    changed = torch.nonzero(swapped != bank.units[0]).flatten().tolist()
    names = {ACTION_UNITS[place] for place in changed}
    assert names == {'AU12L', 'AU12R', 'AU14L', 'AU14R'}


def test_plain_faces_are_normalised():
    faces = [draw_wide_face(0, index, 64) for index in range(3)]
    bank = FaceBank.collect(faces, 3, 64)
    batch = bank.plain(np.array([2, 0]))
    assert batch.images.shape == (2, 3, 64, 64)
    # CLIP's red mean and deviation
    red = faces[2].image[5, 7, 0] / 255
    expected = (red - 0.48145466) / 0.26862954
    assert batch.images[0, 0, 5, 7].item() == pytest.approx(expected, 1e-4)
    assert torch.allclose(
        batch.units[1], torch.from_numpy(faces[0].units).float()
    )
