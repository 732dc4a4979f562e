import pytest

from mpafer_plugin.utils.image_files import is_image


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
