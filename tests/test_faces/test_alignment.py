import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.faces.alignment import TEMPLATE, box_matrix, cut_out

BOX = [0, 0, 10, 10]


def apply(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]


def upright(scale=1.0, shift=(0, 0)):
    """A face whose points are the template's."""
    return Face(BOX, landmarks=TEMPLATE * scale + shift)


def test_template_maps_to_itself():
    matrix = FaceCrop(size=112, margin=0).matrix(upright())
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_margin_is_a_share_of_the_template():
    crop = FaceCrop(size=224, margin=0.5)  # 224 = 2 x 112
    matrix = crop.matrix(upright())
    np.testing.assert_allclose(matrix, [[1, 0, 56], [0, 1, 56]], atol=1e-9)


@pytest.mark.parametrize('degrees', [-150, -30, 0, 20, 90])
def test_turned_faces_are_turned_back(degrees):
    angle = np.deg2rad(degrees)
    turn = 3.7 * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    face = Face(BOX, landmarks=TEMPLATE @ turn.T + (300, -20))
    matrix = FaceCrop(size=112, margin=0).matrix(face)
    found = apply(matrix, face.landmarks)
    np.testing.assert_allclose(found, TEMPLATE, atol=1e-9)


def test_least_squares_without_mirroring():
    points = np.random.default_rng(0).normal(size=(5, 2)) * 20 + 50
    crop = FaceCrop(size=112, margin=0)
    matrix = crop.matrix(Face(BOX, landmarks=points))
    # a similarity that keeps the handedness
    assert matrix[0, 0] == matrix[1, 1]
    assert matrix[0, 1] == -matrix[1, 0]
    # the same by numpy's solver: a, b, x, y of [[a, -b, x], [b, a, y]]
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, x, y = np.linalg.lstsq(np.array(rows), TEMPLATE.ravel())[0]
    np.testing.assert_allclose(matrix, [[a, -b, x], [b, a, y]], atol=1e-9)


def test_a_mirrored_face_stays_mirrored():
    mirrored = TEMPLATE[[1, 0, 2, 4, 3]]
    matrix = FaceCrop().matrix(Face(BOX, landmarks=mirrored))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_box_without_landmarks():
    face = Face([10, 20, 30, 60])  # 20 x 40, middle (20, 40)
    matrix = FaceCrop(size=80, margin=0.5).matrix(face)  # 80 pixels
    # the edge at (20, 40) is to be the middle of 80 pixels, the edge at 40
    np.testing.assert_allclose(matrix, [[1, 0, 20], [0, 1, 0]])
    aligned = Face(face.bbox, landmarks=TEMPLATE)
    box = FaceCrop(size=80, margin=0.5, align=False).matrix(aligned)
    np.testing.assert_allclose(box, matrix)


@pytest.mark.parametrize('side', [224, 448, 56])
def test_box_around_all_is_the_whole_image(side):
    """Edges: [0, 0, W, H], as the one without a face is resized."""
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3))
    image = cv2.GaussianBlur(noise.astype(np.uint8), (0, 0), 1)
    crop = FaceCrop(margin=0)
    cut = crop.crop(image, Face([0, 0, side, side]))
    whole = crop.whole(image)
    if side == 224:
        np.testing.assert_array_equal(cut, image)
        np.testing.assert_array_equal(whole, image)
    # inside of the border, where the crop has a part of what is black
    away = cut[4:-4, 4:-4].astype(int) - whole[4:-4, 4:-4]
    assert np.abs(away).max() <= 1


def test_landmarks_are_centres_and_boxes_edges():
    """The middle of four pixels is 1.5 of centres, and 2 of edges."""
    points = 3.5 + (TEMPLATE - 55.5) / 28  # 4 pixels for 112
    crop = FaceCrop(size=112, margin=0)
    aligned = crop.matrix(Face(BOX, landmarks=points))
    box = crop.matrix(Face([2, 2, 6, 6]))
    np.testing.assert_allclose(aligned, box, atol=1e-9)


@pytest.mark.parametrize('size', [20, 40, 80])
@pytest.mark.parametrize('options, value', [({}, 0), (dict(outside=255), 255)])
def test_what_is_outside(size, options, value):
    """Half of the square; between the two, less than a pixel is mixed."""
    image = np.full((40, 40, 3), 100, np.uint8)
    matrix = box_matrix(np.array([-20, 0, 20, 40]), size, 0)
    part = cut_out(image, matrix, size, **options)[1:-1, :-1]
    assert (part[:, : size // 2 - 1] == value).all()
    assert (part[:, size // 2 + 1 :] == 100).all()
