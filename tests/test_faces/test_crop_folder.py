import io
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.faces.crop_folder import copy_file, crop_image
from mpafer_plugin.faces.image_io import is_image_file
from mpafer_plugin.utils.image_files import list_files


class Detector:
    """Return the given faces, or raise the given error."""

    def __init__(self, *found):
        self.found = found

    def detect(self, image):
        for face in self.found:
            if not isinstance(face, Face):
                raise face
        return list(self.found)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((40, 40, 3), 50, np.uint8))
    return path


@pytest.mark.parametrize(
    ('found', 'reason'),
    [
        (Face([100, 100, 120, 120]), 'outside of the image'),
        (Face([0, 0, 9, 9], landmarks=np.ones((5, 2))), 'all landmarks'),
        (OverflowError('infinity'), 'infinity'),
        (cv2.error('a\n  b'), 'a b'),
        (MemoryError(), 'MemoryError'),
    ],
)
def test_images_that_cannot_be_cropped(image, found, reason):
    row, content = crop_image(
        'a.png', image.parent, FaceCrop(size=32), Detector(found)
    )
    assert row.result == 'unreadable'
    assert content is None
    assert "a.png': " in row.reason
    assert reason in row.reason


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    row, _ = crop_image('pipe.png', tmp_path, FaceCrop(), Detector())
    assert row.result == 'unreadable'
    assert "pipe.png' is no file" in row.reason


@pytest.fixture
def folders(tmp_path):
    source, target = tmp_path / 'src', tmp_path / 'dst'
    for folder in (source, target):
        folder.mkdir()
    return source, target


def test_lists_in_order_and_follows_links(tmp_path):
    (tmp_path / 'b/c.png').mkdir(parents=True)
    (tmp_path / 'b/c.png/1').touch()
    (tmp_path / 'a').touch()
    (tmp_path / 'link').symlink_to('b')
    (tmp_path / 'itself').symlink_to('itself')
    unreadable = {}
    files = list(list_files(tmp_path, unreadable))
    assert files == ['a', 'b/c.png/1', 'itself', 'link/c.png/1']
    assert unreadable == {}
    (tmp_path / 'b/up').symlink_to(tmp_path)
    with pytest.raises(ValueError, match='leads back'):
        list(list_files(tmp_path, unreadable))


def test_folders_that_cannot_be_listed(tmp_path, monkeypatch):
    (tmp_path / 'locked').mkdir()
    (tmp_path / 'z.txt').touch()
    scandir = os.scandir

    def refuse(path):  # root may read all
        if path.name in locked:
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    locked, unreadable = {'locked'}, {}
    assert list(list_files(tmp_path, unreadable)) == ['z.txt']
    assert list(unreadable) == ['locked']
    assert 'Permission denied' in unreadable['locked']
    locked = {tmp_path.name}
    with pytest.raises(PermissionError):
        list(list_files(tmp_path, {}))


def test_copies_once_whole_and_of_any_name(folders):
    source, target = folders
    name = 'x' * 255
    (source / name).write_text('old')
    assert copy_file(source, target, name) == ''
    (source / name).write_text('new')
    assert copy_file(source, target, name) == ''
    assert (target / name).read_text() == 'old'
    assert os.listdir(target) == [name]


def test_pipes_and_broken_links(folders):
    source, target = folders
    (source / 'dangling.txt').symlink_to('nowhere')
    os.mkfifo(source / 'pipe')
    for name in ('dangling.txt', 'pipe'):
        assert name in copy_file(source, target, name)
    assert os.listdir(target) == []


def test_hidden_images_are_not_copied(folders):
    source, target = folders
    Image.new('RGB', (9, 9)).save(source / '.f.png')
    assert 'start with a dot' in copy_file(source, target, '.f.png')
    assert os.listdir(target) == []


@pytest.mark.parametrize(
    ('name', 'kind', 'expected'),
    [
        ('f.jfif', 'JPEG', 'JPEG'),
        ('f.JPE', 'JPEG', 'JPEG'),
        ('f.webp', 'WEBP', 'WEBP'),
        ('f.pgm', 'PPM', 'PNG'),
        ('f.gif', 'GIF', 'PNG'),
        ('f.dat', 'JPEG2000', 'PNG'),
        ('f', 'BMP', 'PNG'),
    ],
)
def test_images_of_any_name(tmp_path, name, kind, expected):
    Image.new('RGB', (9, 9), 'red').save(tmp_path / name, kind)
    assert is_image_file(tmp_path / name)
    crop = FaceCrop(size=32, no_face='whole')
    _, content = crop_image(name, tmp_path, crop, Detector())
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == (expected, (32, 32))
        assert image.getpixel((16, 16))[0] > 250


def test_text_is_copied_whatever_it_begins_with(folders):
    source, target = folders
    for name, text in (('a', 'P1 happy'), ('b', 'BM'), ('c', '\n'), ('d', '')):
        (source / name).write_text(text)
        assert copy_file(source, target, name) == ''
        assert (target / name).read_text() == text


def test_a_hidden_image_is_not_copied(folders):
    source, target = folders
    Image.new('RGB', (9, 9)).save(source / '.face.png')
    said = copy_file(source, target, '.face.png')
    assert 'names that start with a dot are not' in said
    assert os.listdir(target) == []
