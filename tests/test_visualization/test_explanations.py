from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.visualization import draw_explanations, overlay


@pytest.fixture
def picture():
    return np.full((200, 300, 3), 200, np.uint8)


def explained(matrix, size, chosen=((1, 0), (0, 0))):
    chosen = torch.tensor(chosen, dtype=torch.bool)[None]
    rollout = torch.rand(chosen.shape, generator=torch.Generator())
    return SimpleNamespace(
        face=dict(pred_class='fear', pred_score=0.5),
        explanation=SimpleNamespace(
            chosen=chosen,
            rollout=rollout / rollout.sum() / 2,
            class_share=torch.tensor([0.2]),
            prompt_share=torch.tensor([0.3]),
        ),
        matrix=matrix,
        size=size,
    )


def test_patches_lie_where_the_crop_was(picture):
    """A box of 80 x 80 at (100, 50); its first quarter counts."""
    crop = FaceCrop(size=64, margin=0)
    face = explained(crop.matrix(Face([100, 50, 180, 130])), (64, 64))
    drawn = overlay(picture, np.eye(2)[:1].T @ np.eye(2)[:1], face, False)
    kept = (drawn == 200).all(-1)
    assert kept[52:88, 102:138].all()
    assert not kept[52:128, 142:178].any()
    assert not kept[92:128, 102:178].any()
    outside = np.ones_like(kept)
    outside[48:132, 98:182] = False
    assert kept[outside].all()


def test_a_turned_crop(picture):
    """A quarter turn takes the first patch to another corner."""
    turn = np.array([[0, 1, 0], [-1, 0, 99]], float)  # crop = (y, 99 - x)
    face = explained(turn, (100, 100))
    drawn = overlay(picture, np.array([[1.0, 0], [0, 0]]), face, False)
    kept = (drawn[:100, :100] == 200).all(-1)
    assert kept[2:48, 52:98].all()
    assert not kept[2:98, 2:48].any()
    assert not kept[52:98, 52:98].any()


def test_a_smooth_overlay(picture):
    face = explained(np.eye(2, 3), (300, 200))
    grid = np.zeros((4, 4))
    grid[1, 2] = 1
    drawn = overlay(picture, grid, face, True).astype(int).sum(-1)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == pytest.approx(
        (75, 187), abs=3
    )


def test_a_sheet(picture, tmp_path):
    crop = FaceCrop(size=64)
    matrix = crop.matrix(Face([100, 50, 180, 130]))
    path = tmp_path / 'why.png'
    faces = [explained(matrix, (64, 64)) for _ in range(3)]
    draw_explanations(picture, faces, str(path))
    drawn = cv2.imread(str(path))
    assert drawn.shape[1] > drawn.shape[0]
    assert drawn.std() > 20
