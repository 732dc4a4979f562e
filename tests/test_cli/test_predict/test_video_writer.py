import cv2
import numpy as np
import pytest

from mpafer_plugin.cli.predict import video_writer


def frames(path):
    capture = cv2.VideoCapture(str(path))
    rate, means = capture.get(cv2.CAP_PROP_FPS), []
    while (found := capture.read())[0]:
        means.append(found[1].mean())
    return rate, means


def grey(value):
    return np.full((64, 80, 3), value, np.uint8)


def test_a_camera_is_as_long_as_it_took(tmp_path):
    """Three images in a second, then more than can be shown."""
    place = tmp_path / 'below/camera_0.mp4'
    writer = video_writer.VideoWriter(place, 0)
    times = [0, 0.4, 1.0, 1.001, 1.002, 2.0]
    for i, time in enumerate(times):
        writer.write(grey(40 * i), time)
    writer.close()
    rate, means = frames(place)
    assert rate == 25
    assert len(means) == 51
    steps = np.flatnonzero(np.abs(np.diff(means)) > 20) + 1
    assert steps.tolist() == [1, 11, 26]


def test_a_video_keeps_its_frames(tmp_path):
    first, second = tmp_path / 'a.mp4', tmp_path / 'b.mp4'
    code = cv2.VideoWriter_fourcc(*'mp4v')
    made = cv2.VideoWriter(str(first), code, 10, (80, 64))
    for i in range(5):
        made.write(grey(50 * i))
    made.release()
    writer = video_writer.VideoWriter(second, str(first))
    for i in range(5):
        writer.write(grey(50 * i), 99.0)
    writer.close()
    rate, means = frames(second)
    assert rate == 10
    assert means == pytest.approx([0, 50, 100, 150, 200], abs=4)


def test_a_place_that_can_not_be_written(tmp_path):
    (tmp_path / 'a.mp4').mkdir()
    writer = video_writer.VideoWriter(tmp_path / 'a.mp4', 0)
    with pytest.raises(OSError, match=r'a\.mp4.* cannot be written'):
        writer.write(grey(0), 0)
    writer.close()
