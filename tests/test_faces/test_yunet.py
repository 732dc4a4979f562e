import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import YuNet


@pytest.fixture(scope='module')
def yunet(yunet_file):
    return YuNet(yunet_file)


def found_in(faces, squares):
    """For each square the faces whose box has its middle there."""
    return [
        [
            face
            for face in faces
            if x < (face.bbox[0] + face.bbox[2]) / 2 < x + side
            and y < (face.bbox[1] + face.bbox[3]) / 2 < y + side
        ]
        for x, y, side in squares
    ]


def test_finds_six_real_faces(yunet, canvas):
    image, squares = canvas
    faces = yunet.detect(image)
    assert len(faces) == 6
    assert all(len(found) == 1 for found in found_in(faces, squares))
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.7
    for face in faces:
        right, left, nose, mouth_right, mouth_left = face.landmarks
        # the person's own right is on the left of the image
        assert right[0] < nose[0] < left[0]
        assert mouth_right[0] < mouth_left[0]
        assert max(right[1], left[1]) < nose[1] < mouth_right[1]


@pytest.mark.parametrize('scale', [0.4, 4])
def test_coordinates_are_the_images(yunet, canvas, scale):
    image, squares = canvas
    size = [round(side * scale) for side in image.shape[1::-1]]
    faces = yunet.detect(
        cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    )
    scaled = [tuple(value * scale for value in s) for s in squares]
    pairs = zip(
        found_in(faces, scaled),
        found_in(yunet.detect(image), squares),
        strict=True,
    )
    for (face,), (original,) in pairs:
        away = np.abs(face.landmarks / scale - original.landmarks)
        assert away.mean() < 0.05 * original.width
        away = np.abs(face.bbox / scale - original.bbox)
        assert away.mean() < 0.1 * original.width


def test_edges_and_centres_are_scaled_each_its_way(yunet, real_faces):
    """Four times the pixels, of which the detector sees the same."""
    face = cv2.resize(real_faces[0], (256, 256))
    large = face.repeat(4, 0).repeat(4, 1)
    (one,), (other,) = yunet.detect(face), yunet._detect_at(large, 0.25)
    np.testing.assert_allclose(other[:2], 4 * one.bbox[:2], atol=1e-3)
    # the first four centres, 0 to 3, have their middle at 1.5
    points = 4 * one.landmarks + 1.5
    np.testing.assert_allclose(other[4:14].reshape(5, 2), points, atol=1e-3)


@pytest.mark.parametrize('side', [24, 48, 700, 2000])
def test_faces_that_fill_the_image(yunet, real_faces, side):
    """Of 10 to 300 pixels YuNet knows faces; smaller and larger are ours."""
    for face in real_faces:
        image = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        (found,) = yunet.detect(image)
        assert 0.5 * side < found.width < 1.1 * side


@pytest.mark.parametrize('shape', [(1, 1), (1, 3000), (3000, 2), (700, 500)])
def test_no_face(yunet, shape):
    assert yunet.detect(np.full((*shape, 3), 90, np.uint8)) == []


def test_no_face_in_strips(yunet):
    """OpenCV 4.10 alone finds some in 4 of 10 of them."""
    for height in range(1, 33):
        for width in (300, 1024):
            strip = np.full((height, width, 3), 90, np.uint8)
            assert yunet.detect(strip) == []
            assert yunet.detect(strip.transpose(1, 0, 2).copy()) == []


def test_what_is_no_image(yunet):
    for wrong, said in (
        (np.zeros((4, 4), np.uint8), r'array \(4, 4\) of uint8'),
        (np.zeros((4, 4, 3)), r'array \(4, 4, 3\) of float64'),
        (np.zeros((0, 4, 3), np.uint8), r'array \(0, 4, 3\)'),
        ('a.jpg', "'a.jpg'"),
    ):
        with pytest.raises(ValueError, match=said):
            yunet.detect(wrong)


def test_wrong_arguments(yunet_file, tmp_path):
    with pytest.raises(ValueError, match=r'score_threshold=1\.5'):
        YuNet(yunet_file, score_threshold=1.5)
    with pytest.raises(ValueError, match='longest_side=100'):
        YuNet(yunet_file, longest_side=100)
    other = tmp_path / 'other.onnx'
    other.write_bytes(b'no model')
    with pytest.raises(ValueError, match=r'other\.onnx.* is no face detector'):
        YuNet(other)


def test_threads_leave_the_log_level_as_it_was(yunet_file, monkeypatch):
    """One is built while another one is."""
    logging = getattr(cv2.utils, 'logging', cv2)
    level = logging.getLogLevel()
    first, second = threading.Event(), threading.Event()

    def create(*args):
        if not first.is_set():
            first.set()
            second.wait(0.5)  # in vain
        else:
            second.set()
            builders[0].join(0.5)
        seen.append(logging.getLogLevel())

    seen = []
    monkeypatch.setattr(cv2, 'FaceDetectorYN', SimpleNamespace(create=create))
    builders = [
        threading.Thread(target=YuNet, args=[yunet_file]) for _ in range(2)
    ]
    try:
        builders[0].start()
        assert first.wait(60)
        builders[1].start()
        for builder in builders:
            builder.join()
        assert logging.getLogLevel() == level
        assert seen == [2, 2]
    finally:
        logging.setLogLevel(level)
