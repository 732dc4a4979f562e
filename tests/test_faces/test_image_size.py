"""Large images, and those that are too large."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.faces import ImageError, image_io, read_image
from tests.test_faces.images import saved


def test_bombs_are_refused_by_their_pixels(tmp_path):
    path = tmp_path / 'bomb.png'
    # 50 kB in the file, 400 million pixels
    Image.new('1', (20_000, 20_000)).save(path)
    with pytest.raises(ImageError) as error:
        read_image(path)
    text = str(error.value)
    assert 'bomb.png' in text
    assert '400000000 pixels' in text
    assert '178956970 pixels' in text


def test_bands_and_large_images(monkeypatch):
    """One large image at a time, and in parts, is the same image."""
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
        at_once = read_image(content)
        monkeypatch.setattr(image_io, 'BAND', 130)  # 3 rows
        np.testing.assert_array_equal(read_image(content), at_once)
        monkeypatch.undo()


def test_one_large_image_at_a_time(monkeypatch):
    running, most = 0, 0

    def to_bgr(image):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1

    monkeypatch.setattr(image_io, '_to_bgr', to_bgr)
    content = saved(Image.new('RGB', (10, 10)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_image, [content] * 8))
        assert most > 1  # the control: these are small
        most = 0
        monkeypatch.setattr(image_io, 'LARGE', 99)
        list(pool.map(read_image, [content] * 8))
        assert most == 1


def test_lock_of_several_processes(monkeypatch):
    monkeypatch.setattr(image_io, '_one_large', image_io._one_large)
    monkeypatch.setattr(image_io, 'LARGE', 99)
    lock = threading.Lock()
    image_io.share_large(lock)
    monkeypatch.setattr(image_io, '_to_bgr', lambda image: lock.locked())
    assert read_image(saved(Image.new('RGB', (10, 10))))
    assert not read_image(saved(Image.new('RGB', (9, 10))))
    assert not lock.locked()
