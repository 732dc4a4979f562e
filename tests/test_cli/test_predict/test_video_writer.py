import cv2
import numpy as np
import pytest

from mpafer_plugin.cli.predict import video_writer
from mpafer_plugin.cli.predict.video_writer import (
    CODECS,
    VideoWriter,
    output_rate,
)
from tests.videos import live_matroska, motion_jpeg


def frames(path):
    capture = cv2.VideoCapture(str(path))
    rate, means = capture.get(cv2.CAP_PROP_FPS), []
    while (found := capture.read())[0]:
        means.append(found[1].mean())
    return rate, means


def grey(value):
    return np.full((64, 80, 3), value, np.uint8)


def test_images_are_shown_from_their_time_on(tmp_path):
    """Three images in a second, then more than can be shown."""
    place = tmp_path / 'below/camera_0.mp4'
    writer = VideoWriter(place, output_rate(0))
    times = [5, 5.4, 6.0, 6.001, 6.002, 7.0]
    for i, time in enumerate(times):
        writer.write(grey(40 * i), time)
    writer.close()
    rate, means = frames(place)
    assert rate == 25
    assert len(means) == 51
    steps = np.flatnonzero(np.abs(np.diff(means)) > 20) + 1
    assert steps.tolist() == [10, 25, 50]


@pytest.mark.parametrize('rate', [10, 30000 / 1001, 60])
def test_an_even_video_keeps_its_frames(tmp_path, rate):
    """Containers round times to milliseconds."""
    first = motion_jpeg(tmp_path / 'a.avi', [grey(0)] * 5, rate)
    assert output_rate(str(first)) == pytest.approx(rate, rel=1e-4)
    assert output_rate(str(first), 4) == pytest.approx(rate / 4, rel=1e-4)
    writer = VideoWriter(tmp_path / 'b.mp4', rate)
    for i in range(5):
        writer.write(grey(50 * i), round(i / rate, 3))
    writer.close()
    found, means = frames(tmp_path / 'b.mp4')
    assert found == pytest.approx(rate, rel=1e-4)
    assert means == pytest.approx([0, 50, 100, 150, 200], abs=4)


def test_rates_that_are_none(tmp_path):
    """A browser's recorder states none; OpenCV then reports 1000."""
    times = [0, 31, 97, 160, 251, 300, 391, 600, 690, 734]
    path = live_matroska(tmp_path / 'a.webm', [grey(0)] * 10, times)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) > 60
    assert output_rate(path) == 60
    assert output_rate('rtsp://127.0.0.1/a') == 25


def test_codec(tmp_path, monkeypatch):
    """A browser plays VP9; else it is said."""
    writer = VideoWriter(tmp_path / 'a.mp4', 10)
    assert writer.codec == ''
    writer.write(grey(0), 0)
    writer.close()
    assert writer.codec == 'VP9'
    code = cv2.VideoCapture(str(tmp_path / 'a.mp4')).get(cv2.CAP_PROP_FOURCC)
    assert int(code).to_bytes(4, 'little') in (b'vp09', b'VP90')
    codecs = {'none': 'none', 'mp4v': CODECS['mp4v']}
    monkeypatch.setattr(video_writer, 'CODECS', codecs)
    writer = VideoWriter(tmp_path / 'b.mp4', 10)
    writer.write(grey(0), 0)
    writer.close()
    assert 'browsers do not play' in writer.codec


def test_a_place_that_can_not_be_written(tmp_path):
    (tmp_path / 'a.mp4').mkdir()
    writer = VideoWriter(tmp_path / 'a.mp4', 25)
    with pytest.raises(OSError, match=r'a\.mp4.* cannot be written'):
        writer.write(grey(0), 0)
    writer.close()
