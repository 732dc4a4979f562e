import cv2
import numpy as np
import pytest

from mpafer_plugin.visualization import (
    Card,
    draw_contact_sheet,
    spread_over_classes,
)

RED = np.zeros((10, 10, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
HEADS = ('a', 'b')
LABELS = [0] * 50 + [2] * 3 + [1] * 20


def sheet(tmp_path, cards, **kwargs):
    """Draw cards and return RGB."""
    path = str(tmp_path / 'sheet.png')
    draw_contact_sheet(cards, path, HEADS, **kwargs)
    return cv2.imread(path)[..., ::-1]


def area(image, colour):
    return int((image == colour).all(-1).sum())


def test_colours_and_number(tmp_path):
    blue = RED[..., ::-1]
    image = sheet(tmp_path, [Card('x', 'y', (RED, blue))] * 3)
    red, blue = area(image, (255, 0, 0)), area(image, (0, 0, 255))
    assert red == pytest.approx(blue, rel=0.03)
    one = area(sheet(tmp_path, [Card('x', 'y', (RED, RED))]), (255, 0, 0))
    assert red == pytest.approx(1.5 * one, rel=0.03)


def test_grid(tmp_path):
    card = Card('x', 'y', (RED, RED))
    one = sheet(tmp_path, [card], columns=2)
    two = sheet(tmp_path, [card] * 2, columns=2)
    three = sheet(tmp_path, [card] * 3, columns=2)
    assert two.shape[0] == one.shape[0]
    assert two.shape[1] > 1.8 * one.shape[1]
    assert three.shape[1] == two.shape[1]
    assert three.shape[0] > 1.8 * two.shape[0]


def test_grey_images_keep_their_brightness(tmp_path):
    dark = np.full((8, 8), 40, np.uint8)
    image = sheet(tmp_path, [Card('x', 'y', (dark, dark))])
    assert area(image, (40, 40, 40)) > 10000


def test_long_names_are_not_cut(tmp_path):
    short = sheet(tmp_path, [Card('x', 'y', (RED, RED))])
    long = sheet(tmp_path, [Card('x', 'y' * 200, (RED, RED))])
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0]
    # an empty margin on the right: nothing runs out of the image
    assert (long[:, -15:] == 255).all()


def test_names_are_no_formulas(tmp_path):
    sheet(tmp_path, [Card('$x', r'$\frac$.png', (RED, RED))])


def labels_of(number, seed=0):
    return [LABELS[i] for i in spread_over_classes(LABELS, number, seed)]


def test_each_class_in_turn():
    assert labels_of(7) == [0, 1, 2, 0, 1, 2, 0]
    # where a class has no more, the others go on
    assert labels_of(14) == [0, 1, 2] * 3 + [0, 1] * 2 + [0]


def test_none_twice_and_no_more_than_there_are():
    chosen = spread_over_classes(LABELS, 100)
    assert sorted(chosen) == list(range(73))


def test_seed():
    assert spread_over_classes(LABELS, 9) == spread_over_classes(LABELS, 9)
    assert spread_over_classes(LABELS, 9) != spread_over_classes(LABELS, 9, 1)
