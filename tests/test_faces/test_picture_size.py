"""Large pictures, and those that are too large."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.faces import PictureError, picture, read_picture
from tests.test_faces.pictures import saved


def test_bombs_are_refused_by_their_pixels(tmp_path):
    path = tmp_path / 'bomb.png'
    # 50 kB in the file, 400 million pixels
    Image.new('1', (20_000, 20_000)).save(path)
    with pytest.raises(PictureError) as error:
        read_picture(path)
    text = str(error.value)
    assert 'bomb.png' in text
    assert '400000000 pixels' in text
    assert '178956970 pixels' in text


def test_bands_and_large_pictures(monkeypatch):
    """One large picture at a time, and in parts, is the same picture."""
    noise = np.random.default_rng(0).integers(0, 255, (50, 40, 3), np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = 6
    for content in (
        saved(image, exif=exif),
        saved(image.convert('CMYK'), 'TIFF'),
        saved(image.quantize(50)),
        saved(Image.fromarray(noise[..., 0].astype(np.uint16) * 257)),
    ):
        at_once = read_picture(content)
        monkeypatch.setattr(picture, 'BAND', 130)  # 3 rows
        np.testing.assert_array_equal(read_picture(content), at_once)
        monkeypatch.undo()


def test_one_large_picture_at_a_time(monkeypatch):
    running, most = 0, 0

    def to_bgr(image):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1

    monkeypatch.setattr(picture, '_to_bgr', to_bgr)
    content = saved(Image.new('RGB', (10, 10)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_picture, [content] * 8))
        assert most > 1  # the control: these are small
        most = 0
        monkeypatch.setattr(picture, 'LARGE', 99)
        list(pool.map(read_picture, [content] * 8))
        assert most == 1


def test_lock_of_several_processes(monkeypatch):
    monkeypatch.setattr(picture, '_one_large', picture._one_large)
    monkeypatch.setattr(picture, 'LARGE', 99)
    lock = threading.Lock()
    picture.share_large(lock)
    monkeypatch.setattr(picture, '_to_bgr', lambda image: lock.locked())
    assert read_picture(saved(Image.new('RGB', (10, 10))))
    assert not read_picture(saved(Image.new('RGB', (9, 10))))
    assert not lock.locked()
