import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import Face, FaceCrop, YuNet
from mpafer_plugin.faces.alignment import TEMPLATE

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
    # (20, 40) is to be the middle of 80 pixels, which is 39.5
    np.testing.assert_allclose(matrix, [[1, 0, 19.5], [0, 1, -0.5]])
    aligned = Face(face.bbox, landmarks=TEMPLATE)
    box = FaceCrop(size=80, margin=0.5, align=False).matrix(aligned)
    np.testing.assert_allclose(box, matrix)


def test_pixels_are_where_the_matrix_says():
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[25, 35] = 10, 20, 250
    face = Face([19.5, 9.5, 39.5, 29.5])
    crop = FaceCrop(size=20, margin=0).crop(picture, face)
    expected = np.zeros((20, 20, 3), np.uint8)
    expected[15, 15] = 10, 20, 250
    np.testing.assert_array_equal(crop, expected)


def test_outside_is_black():
    picture = np.full((40, 40, 3), 200, np.uint8)
    crop = FaceCrop(size=40, margin=0).crop(picture, Face([-20, 0, 20, 40]))
    assert (crop[:, :19] == 0).all()
    assert (crop[:39, 21:] == 200).all()


@pytest.mark.parametrize('width', [310, 970, 2230])
def test_no_aliases(width):
    """Single-pixel stripes and checks are grey when shrunk."""
    y, x = np.mgrid[:2400, :2400]
    for pattern in (x % 2, (x + y) % 2, y % 3 == 0):
        picture = np.repeat((pattern * 255)[..., None], 3, 2).astype(np.uint8)
        face = Face([20, 20, 20 + width, 20 + width])
        crop = FaceCrop(size=100, margin=0).crop(picture, face)
        naive = cv2.resize(
            picture[20 : 20 + width, 20 : 20 + width],
            (100, 100),
            interpolation=cv2.INTER_NEAREST,
        )
        assert naive.std() > 100  # the control has aliases
        assert abs(crop.mean() - picture.mean()) < 3
        assert crop.std() < 0.25 * naive.std()


def test_shrunk_faces_lie_still(canvas):
    """A crop of the picture at 4 times the size is the same crop."""
    picture, ((x, y, side), *_) = canvas
    large = cv2.resize(
        picture, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR
    )
    box = np.array([x, y, x + side, y + side])
    crop = FaceCrop(size=64)
    one = crop.crop(picture, Face(box - 0.5)).astype(int)
    other = crop.crop(large, Face(4 * box - 0.5)).astype(int)
    assert np.abs(one - other).mean() < 1.5


def test_real_faces_are_upright(yunet_file, canvas):
    """Eyes of tilted heads are level, where the template has them."""
    picture, _ = canvas
    turn = cv2.getRotationMatrix2D((450, 350), 25, 0.9)
    picture = cv2.warpAffine(picture, turn, (900, 700))
    crop = FaceCrop(size=224)
    faces = YuNet(yunet_file).detect(picture)
    assert len(faces) == 6
    for face in faces:
        eyes = apply(crop.matrix(face), face.landmarks)[:2]
        slope = np.subtract(*eyes[::-1])
        assert abs(np.rad2deg(np.arctan2(slope[1], slope[0]))) < 6
        assert crop.crop(picture, face).shape == (224, 224, 3)


def test_wide_pictures_and_faraway_boxes():
    wide = np.zeros((20, 70_000, 3), np.uint8)  # more than OpenCV maps
    wide[:, 65_000:] = 99
    crop = FaceCrop(size=10, margin=0)
    face = Face([65_100, 2, 65_110, 12])
    assert (crop.crop(wide, face) == 99).all()
    with pytest.raises(ValueError, match='outside of the picture'):
        crop.crop(wide, Face([-50, 0, -30, 20]))
    with pytest.raises(ValueError, match='outside of the picture'):
        crop.crop(wide, Face([80_000, 0, 80_010, 10]))
    with pytest.raises(ValueError, match=r'70000 x 20 pixels: .* a side'):
        crop.crop(wide, Face([0, 0, 69_000, 20]))
    same = Face(BOX, landmarks=np.ones((5, 2)))
    with pytest.raises(ValueError, match='all landmarks'):
        crop.crop(wide, same)


def test_whole_is_the_middle_square():
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 80
    for size in (20, 40, 90):
        assert (FaceCrop(size=size).whole(picture) == 80).all()
        tall = picture.transpose(1, 0, 2).copy()
        assert (FaceCrop(size=size).whole(tall) == 80).all()
    assert (FaceCrop(size=10).whole(picture[:, 50:51]) == 80).all()


def test_dict_and_back():
    crop = FaceCrop(size=112, margin=0, align=False, no_face='whole')
    contract = json.loads(json.dumps(crop.to_dict()))
    assert contract['version'] == 1
    assert contract['detector'] == 'yunet'
    assert FaceCrop.from_dict(contract) == crop
    assert FaceCrop.from_dict(contract) != replace(crop, margin=0.1)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(colour='grey'), r"unknown keys \['colour'\], missing keys \[\]"),
        (dict(version=2), 'version 2, .* reads 1'),
        (dict(size=0), r'size=0 of a crop: must be in 1 to 4096'),
        (dict(size='224'), "size='224' of a crop: must be of type int"),
        (dict(margin=-0.3), 'margin=-0.3'),
        (dict(margin=float('nan')), 'margin=nan'),
        (dict(detector='mtcnn'), "detector='mtcnn'.* 'yunet'"),
        (dict(several='first'), "several='first'.* 'largest'"),
        (dict(no_face='skip'), "no_face='skip'.*'leave-out', 'whole'"),
    ],
)
def test_wrong_contracts(change, message):
    with pytest.raises(ValueError, match=message):
        FaceCrop.from_dict(FaceCrop().to_dict() | change)


def test_incomplete_contracts():
    contract = FaceCrop().to_dict()
    del contract['margin']
    with pytest.raises(ValueError, match=r"missing keys \['margin'\]"):
        FaceCrop.from_dict(contract)
    for wrong in (None, {}, []):
        with pytest.raises(ValueError, match='no crop contract'):
            FaceCrop.from_dict(wrong)


def test_detector_of_the_contract(yunet_file, log):
    crop = FaceCrop(score_threshold=0.9, longest_side=300)
    detector = crop.build_detector(yunet_file)
    assert (detector.score_threshold, detector.longest_side) == (0.9, 300)
    assert log.text == ''
    replace(crop, detector_digest='0').build_detector(yunet_file)
    assert 'the crop contract states 0' in log.text
