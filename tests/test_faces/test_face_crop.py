import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import Face, FaceCrop, YuNet, choose_crop
from mpafer_plugin.faces.alignment import TEMPLATE

BOX = [0, 0, 10, 10]


def test_pixels_are_where_the_matrix_says():
    image = np.zeros((60, 60, 3), np.uint8)
    image[25, 35] = 10, 20, 250
    face = Face([20, 10, 40, 30])
    crop = FaceCrop(size=20, margin=0).crop(image, face)
    expected = np.zeros((20, 20, 3), np.uint8)
    expected[15, 15] = 10, 20, 250
    np.testing.assert_array_equal(crop, expected)


def test_outside_is_black():
    image = np.full((40, 40, 3), 200, np.uint8)
    crop = FaceCrop(size=40, margin=0).crop(image, Face([-20, 0, 20, 40]))
    assert (crop[:, :20] == 0).all()
    assert (crop[:, 20:] == 200).all()


@pytest.mark.parametrize('width', [310, 970, 2230])
def test_no_aliases(width):
    """Single-pixel stripes and checks are grey when shrunk."""
    y, x = np.mgrid[:2400, :2400]
    for pattern in (x % 2, (x + y) % 2, y % 3 == 0):
        image = np.repeat((pattern * 255)[..., None], 3, 2).astype(np.uint8)
        face = Face([20, 20, 20 + width, 20 + width])
        crop = FaceCrop(size=100, margin=0).crop(image, face)
        naive = cv2.resize(
            image[20 : 20 + width, 20 : 20 + width],
            (100, 100),
            interpolation=cv2.INTER_NEAREST,
        )
        assert naive.std() > 100  # the control has aliases
        assert abs(crop.mean() - image.mean()) < 3
        assert crop.std() < 0.25 * naive.std()


def test_shrunk_faces_lie_still(canvas):
    """A crop of the image at 4 times the size is the same crop."""
    image, ((x, y, side), *_) = canvas
    large = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    box = np.array([x, y, x + side, y + side])
    crop = FaceCrop(size=64)
    one = crop.crop(image, Face(box)).astype(int)
    other = crop.crop(large, Face(4 * box)).astype(int)
    assert np.abs(one - other).mean() < 1.5


def test_real_faces_are_upright(yunet_file, canvas):
    """Eyes of tilted heads are level, where the template has them."""
    image, _ = canvas
    turn = cv2.getRotationMatrix2D((450, 350), 25, 0.9)
    image = cv2.warpAffine(image, turn, (900, 700))
    crop = FaceCrop(size=224)
    faces = YuNet(yunet_file).detect(image)
    assert len(faces) == 6
    for face in faces:
        matrix = crop.matrix(face)
        eyes = face.landmarks[:2] @ matrix[:, :2].T
        slope = np.subtract(*eyes[::-1])
        assert abs(np.rad2deg(np.arctan2(slope[1], slope[0]))) < 6
        assert crop.crop(image, face).shape == (224, 224, 3)


def test_wide_images_and_faraway_boxes():
    wide = np.zeros((20, 70_000, 3), np.uint8)  # more than OpenCV maps
    wide[:, 65_000:] = 99
    crop = FaceCrop(size=10, margin=0)
    face = Face([65_100, 2, 65_110, 12])
    assert (crop.crop(wide, face) == 99).all()
    with pytest.raises(ValueError, match='outside of the image'):
        crop.crop(wide, Face([-50, 0, -30, 20]))
    with pytest.raises(ValueError, match='outside of the image'):
        crop.crop(wide, Face([80_000, 0, 80_010, 10]))
    with pytest.raises(ValueError, match=r'70000 x 20 pixels: .* a side'):
        crop.crop(wide, Face([0, 0, 69_000, 20]))
    same = Face(BOX, landmarks=np.ones((5, 2)))
    with pytest.raises(ValueError, match='all landmarks'):
        crop.crop(wide, same)


@pytest.mark.parametrize('size', [1e-9, 1e9, 1e100])
def test_boxes_and_points_of_any_size_are_cut_or_refused(size):
    image = np.full((20, 20, 3), 9, np.uint8)
    crop = FaceCrop(size=10, margin=0)
    faces = [
        Face([5, 5, 5 + max(size, 1e-6), 5 + size]),
        Face([size, size, 2 * size, 2 * size]),
        Face(BOX, landmarks=5 + TEMPLATE * size),
    ]
    for face in faces:
        try:
            assert crop.crop(image, face).shape == (10, 10, 3)
        except ValueError as error:
            assert 'image' in str(error)


def test_points_that_lie_like_no_face():
    """No turn is better than another, so least squares shrink to nothing."""
    template = (TEMPLATE - TEMPLATE.mean(0)) @ (1, 1j)
    points = np.array([1, 2j, -1, 3, -2j])
    points -= points.mean()
    points -= (
        template * np.vdot(template, points) / np.vdot(template, template)
    )
    face = Face(BOX, landmarks=np.stack([points.real, points.imag], 1) + 10)
    image = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match='pixels a side or more'):
        FaceCrop().crop(image, face)


def test_whole_is_the_middle_square():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = 80
    for size in (20, 40, 90):
        assert (FaceCrop(size=size).whole(image) == 80).all()
        tall = image.transpose(1, 0, 2).copy()
        assert (FaceCrop(size=size).whole(tall) == 80).all()
    assert (FaceCrop(size=10).whole(image[:, 50:51]) == 80).all()


def test_dict_and_back():
    crop = FaceCrop(size=112, margin=0, align=False, no_face='whole')
    crop_config = json.loads(json.dumps(crop.to_dict()))
    assert crop_config['version'] == 1
    assert crop_config['detector'] == 'yunet'
    assert FaceCrop.from_dict(crop_config) == crop
    assert FaceCrop.from_dict(crop_config) != replace(crop, margin=0.1)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(colour='grey'), r"unknown keys \['colour'\], missing keys \[\]"),
        (dict(version=2), 'version 2, .* reads 1'),
        (dict(version=True), 'version True, .* reads 1'),
        (dict(size=0), r'size=0 of a crop: must be in 1 to 4096'),
        (dict(size='224'), "size='224' of a crop: must be of type int"),
        (dict(size=True), 'size=True of a crop: must be of type int'),
        (dict(align=1), 'align=1 of a crop: must be of type bool'),
        (dict(margin=-0.3), 'margin=-0.3'),
        (dict(margin=False), 'margin=False'),
        (dict(margin=10**400), 'margin=an integer of 1329 bits'),
        (dict(score_threshold=float('nan')), 'score_threshold=nan'),
        (dict(score_threshold=1.1), 'score_threshold=1.1 .* in 0 to 1'),
        (dict(longest_side=255), 'longest_side=255 .* 256 pixels or more'),
        (dict(margin=float('nan')), 'margin=nan'),
        (dict(detector='mtcnn'), "detector='mtcnn'.* 'yunet'"),
        (dict(several='first'), "several='first'.* 'largest'"),
        (dict(no_face='skip'), "no_face='skip'.*'leave-out', 'whole'"),
    ],
)
def test_wrong_crop_configs(change, message):
    with pytest.raises(ValueError, match=message):
        FaceCrop.from_dict(FaceCrop().to_dict() | change)


def test_incomplete_crop_configs():
    crop_config = FaceCrop().to_dict()
    del crop_config['margin']
    with pytest.raises(ValueError, match=r"missing keys \['margin'\]"):
        FaceCrop.from_dict(crop_config)
    for wrong in (None, {}, []):
        with pytest.raises(ValueError, match='no crop config'):
            FaceCrop.from_dict(wrong)


def test_detector_of_the_crop_config(yunet_file, log):
    crop = FaceCrop(score_threshold=0.9, longest_side=300)
    detector = crop.build_detector(yunet_file)
    assert (detector.score_threshold, detector.longest_side) == (0.9, 300)
    assert log.text == ''
    replace(crop, detector_digest='0').build_detector(yunet_file)
    assert 'the crop config states 0' in log.text


TIGHT, WIDE = FaceCrop(margin=0), FaceCrop(margin=0.3)


def choose(stated, *args):
    return choose_crop(stated and stated.to_dict(), *args)


def test_the_training_says(log):
    assert choose(WIDE, 'yunet') == WIDE
    assert choose(WIDE, 'yunet', FaceCrop(margin=0.3)) == WIDE
    assert log.text == ''


def test_it_is_not_known(log):
    assert choose(None, 'yunet') == FaceCrop()
    for part in ('WARNING', 'is not known', 'margin 0.1', '--margin',
                 'face_crop=FaceCrop(margin=...)'):  # fmt: skip
        assert part in log.text


def test_the_caller_says(log):
    assert choose(None, 'yunet', TIGHT) == TIGHT
    assert log.text == ''
    assert choose(WIDE, 'yunet', TIGHT) == TIGHT
    assert f'by {TIGHT}, those of the training data were by {WIDE}' in log.text


def test_where_nothing_is_cut_out_nothing_is_said(log):
    choose(None, 'none')
    choose(WIDE, 'none', TIGHT)
    assert log.text == ''
