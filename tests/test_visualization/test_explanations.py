from types import SimpleNamespace

import cv2
import matplotlib.figure
import numpy as np
import pytest
import torch

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.visualization import (
    draw_explanations,
    overlay,
    view_faces,
)


@pytest.fixture
def image():
    return np.full((200, 300, 3), 200, np.uint8)


def explained(matrix, size, chosen=((1, 0), (0, 0))):
    chosen = torch.tensor(chosen, dtype=torch.bool)[None]
    rollout = torch.rand(chosen.shape, generator=torch.Generator())
    return SimpleNamespace(
        face=dict(pred_class='fear', pred_score=0.5, probs=dict(fear=0.5)),
        explanation=SimpleNamespace(
            chosen=chosen,
            rollout=rollout / rollout.sum() / 2,
            class_share=torch.tensor([0.2]),
            prompt_share=torch.tensor([0.3]),
        ),
        matrix=matrix,
        size=size,
    )


def where(face):
    return face.matrix, face.size


def test_patches_lie_where_the_crop_was(image):
    """A box of 80 x 80 at (100, 50); its first quarter counts."""
    crop = FaceCrop(size=64, margin=0)
    face = explained(crop.matrix(Face([100, 50, 180, 130])), (64, 64))
    drawn = overlay(
        image, np.eye(2)[:1].T @ np.eye(2)[:1], *where(face), False
    )
    kept = (drawn == 200).all(-1)
    assert kept[52:88, 102:138].all()
    assert not kept[52:128, 142:178].any()
    assert not kept[92:128, 102:178].any()
    outside = np.ones_like(kept)
    outside[48:132, 98:182] = False
    assert kept[outside].all()


def test_a_turned_crop(image):
    """A quarter turn takes the first patch to another corner."""
    turn = np.array([[0, 1, 0], [-1, 0, 99]], float)  # crop = (y, 99 - x)
    face = explained(turn, (100, 100))
    drawn = overlay(image, np.array([[1.0, 0], [0, 0]]), *where(face), False)
    kept = (drawn[:100, :100] == 200).all(-1)
    assert kept[2:48, 52:98].all()
    assert not kept[2:98, 2:48].any()
    assert not kept[52:98, 52:98].any()


def test_a_smooth_overlay(image):
    face = explained(np.eye(2, 3), (300, 200))
    grid = np.zeros((4, 4))
    grid[1, 2] = 1
    drawn = overlay(image, grid, *where(face), True).astype(int).sum(-1)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == pytest.approx(
        (75, 187), abs=3
    )


@pytest.mark.parametrize(
    'box', [[100, 50, 180, 130], [-40, 150, 40, 230], [0, 0, 24, 24]]
)
def test_what_is_drawn_is_what_is_around_the_crop(box):
    """Also where the image ends; and the patches stay in their place."""
    image = np.random.default_rng(0).integers(
        0, 200, (20, 30, 3), dtype=np.uint8
    )
    image = cv2.resize(image, (300, 200), interpolation=cv2.INTER_LINEAR)
    crop = FaceCrop(size=64, margin=0.1)
    there = crop.matrix(Face(box))
    ((part, matrix),) = view_faces(image, [explained(there, (64, 64))])
    assert part.shape == (400, 400, 3)
    seen, expected = (
        cv2.warpAffine(
            source, m, (64, 64), flags=cv2.INTER_AREA, borderValue=(255,) * 3
        ).astype(int)
        for source, m in ((part, matrix), (image, there))
    )
    assert np.median(np.abs(seen - expected)) < 3
    inside = (seen < 255).all(-1).mean()
    assert inside == pytest.approx((expected < 255).all(-1).mean(), abs=0.03)


@pytest.mark.parametrize('wide, high', [(36_000, 1_500), (1_500, 36_000)])
def test_a_large_image_as_one_face(wide, high):
    """More pixels than OpenCV maps, on a page that is small."""
    image = np.zeros((high, wide, 3), np.uint8)
    image[: high // 2, : wide // 2] = 200
    face = explained(np.eye(2, 3), (wide, high))
    ((part, matrix),) = view_faces(image, [face])
    assert (part[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    inverse = cv2.invertAffineTransform(matrix)
    for x, y, colour in ((0.2, 0.2, 200), (0.8, 0.2, 0), (0.2, 0.8, 0)):
        column, row = np.rint(inverse @ (x * wide, y * high, 1)).astype(int)
        assert (part[row, column] == colour).all()


def test_a_sheet(image, tmp_path):
    crop = FaceCrop(size=64)
    matrix = crop.matrix(Face([100, 50, 180, 130]))
    path = tmp_path / 'why.png'
    faces = [explained(matrix, (64, 64)) for _ in range(3)]
    draw_explanations(view_faces(image, faces), faces, str(path))
    drawn = cv2.imread(str(path))
    assert drawn.shape[1] > drawn.shape[0]
    assert drawn.std() > 20


def test_without_a_local_score_it_says_so(image, tmp_path, monkeypatch):
    texts = []
    write = matplotlib.figure.Figure.text

    def record(figure, x, y, text, **kwargs):
        texts.append(text)
        return write(figure, x, y, text, **kwargs)

    monkeypatch.setattr(matplotlib.figure.Figure, 'text', record)
    matrix = FaceCrop(size=64).matrix(Face([100, 50, 180, 130]))
    for chosen in (((1, 0), (0, 0)), ((0, 0), (0, 0))):
        face = explained(matrix, (64, 64), chosen)
        views = view_faces(image, [face])
        draw_explanations(views, [face], str(tmp_path / 'why.png'))
    one, none = (' '.join(t.split()) for t in texts if 'Rollout' in t)
    assert '1 of 4 patches count for the local score' in one
    assert 'The local score is off' in none
    assert 'of 4' not in none
