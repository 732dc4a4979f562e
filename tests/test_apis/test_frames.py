import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from mpafer_plugin.apis import frames_of
from mpafer_plugin.faces import ImageError
from tests.videos import live_matroska


@pytest.fixture
def server(tmp_path):
    """Address of a server of the test's folder."""
    handler = functools.partial(
        SimpleHTTPRequestHandler, directory=str(tmp_path)
    )
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'127.0.0.1:{server.server_port}'
        server.shutdown()


def test_times_are_those_of_the_file(tmp_path):
    times = [0, 31, 97, 160, 251, 300, 391, 600]
    frames = [np.full((64, 96, 3), 20 * i, np.uint8) for i in range(8)]
    path = live_matroska(tmp_path / 'live.webm', frames, times)
    found = list(frames_of(path))
    seconds = [frame.time for frame in found]
    np.testing.assert_allclose(seconds, np.array(times) / 1000, atol=2e-3)
    means = [frame.image.mean() for frame in found]
    np.testing.assert_allclose(means, 20 * np.arange(8), atol=2)
    third = list(frames_of(path, every=3))
    assert [frame.number for frame in third] == [0, 3, 6]
    for frame in third:
        assert frame.time == found[frame.number].time
        np.testing.assert_array_equal(frame.image, found[frame.number].image)


def test_an_address(server, video):
    found = list(frames_of(f'http://{server}/{video.name}', every=4))
    assert [frame.number for frame in found] == [0, 4, 8]
    expected = list(frames_of(video, every=4))
    for frame, other in zip(found, expected, strict=True):
        assert frame.time == other.time
        np.testing.assert_array_equal(frame.image, other.image)


def test_passwords_are_not_in_messages(server):
    with pytest.raises(ImageError, match=r'absent\.mp4') as caught:
        next(frames_of(f'http://me:secret@{server}/absent.mp4'))
    assert f'http://{server}/absent.mp4' in str(caught.value)


@pytest.mark.parametrize(
    'source', ['http://127.0.0.1:9/\udce9.mp4', 'rtsp://127.0.0.1:9/\udce9']
)
def test_an_address_that_is_no_utf_8(source):
    """OpenCV would end the process."""
    with pytest.raises(ImageError, match=r'udce9.*not UTF-8'):
        next(frames_of(source))


@pytest.mark.parametrize('source', [None, True, 1.5, np.zeros((99, 99))])
def test_what_is_no_video(source):
    with pytest.raises(ValueError, match='is no video: a file') as caught:
        next(frames_of(source))
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize('number', [-1, -2, 2**31])
def test_numbers_that_no_camera_has(number):
    """OpenCV would end the process."""
    with pytest.raises(ImageError, match=f'camera {number} is not in 0 to'):
        next(frames_of(number))


def test_every_is_positive(video):
    with pytest.raises(ValueError, match='every=0'):
        next(frames_of(video, every=0))


class Damaged:
    """A video whose second frame OpenCV says it has, and has not."""

    def __init__(self, name):
        self.images = iter([np.zeros((4, 4, 3), np.uint8), None])

    def isOpened(self):
        return True

    def get(self, what):
        return 2 if what == cv2.CAP_PROP_FRAME_COUNT else 0

    def grab(self):
        return True

    def retrieve(self):
        return True, next(self.images)

    def release(self):
        pass


def test_a_frame_without_an_image_ends_a_video(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(cv2, 'VideoCapture', Damaged)
    (tmp_path / 'a.mp4').touch()
    (frame,) = frames_of(tmp_path / 'a.mp4')
    assert frame.image.shape == (4, 4, 3)
    assert 'states 2 frames, 1 could be read' in caplog.text
