import os

import pytest

from mpafer_plugin.utils.image_files import (
    is_image,
    list_files,
    opencv_path,
    printable,
)


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('1.jpg', True),
        ('a/b.c/1.JPEG', True),
        ('.cache/1.png', True),
        ('1.jfif', True),
        ('1.JPE', True),
        ('1.pgm', True),
        ('1.txt', False),
        ('1.jpg.txt', False),
        ('.jpg', False),
        ('._1.jpg', False),
        ('a/._1.jpg', False),
    ],
)
def test_by_the_name(name, expected):
    assert is_image(name) is expected


def test_litter_is_not_listed(tmp_path):
    for name in ('__MACOSX', '@eaDir', '#recycle', 'lost+found', '1.jpg'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.jpg').touch()
    (tmp_path / 'Thumbs.db').touch()
    assert list(list_files(tmp_path, {})) == ['1.jpg/a.jpg']


def test_paths_that_are_not_utf8():
    path = os.fsdecode(b'caf\xe9.mp4')
    assert printable(path) == r'caf\udce9.mp4'
    with pytest.raises(ValueError, match=r"'caf\\udce9.mp4': OpenCV"):
        opencv_path(path)
    assert opencv_path('é.mp4') == printable('é.mp4') == 'é.mp4'
