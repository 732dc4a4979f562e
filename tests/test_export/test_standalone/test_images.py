import cv2
import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.export.standalone.images import is_image_file, read_image
from mpafer_plugin.faces import ImageError, image_io
from tests.test_faces.images import saved

OPENCV = tuple(map(int, cv2.__version__.split('.')[:2]))


@pytest.fixture(scope='module')
def image():
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)
    return Image.fromarray(small).resize((80, 60))


@pytest.mark.parametrize(
    'kind, mode, most',
    [
        ('JPEG', 'RGB', 0),
        ('JPEG', 'L', 0),
        ('JPEG', 'CMYK', 1),
        ('PNG', 'RGB', 0),
        ('PNG', 'RGBA', 0),
        ('PNG', 'LA', 0),
        ('PNG', 'P', 0),
        ('PNG', '1', 0),
        ('PNG', 'I;16', 1),
        ('TIFF', 'RGB', 0),
        ('TIFF', 'RGBA', 0),
        ('TIFF', 'I;16', 1),
        ('WEBP', 'RGB', 0),
        ('WEBP', 'RGBA', 0),
        ('BMP', 'RGB', 0),
        ('PPM', 'RGB', 0),
    ],
)
def test_pixels_are_those_of_training(kind, mode, most, image, tmp_path):
    if mode == 'I;16':
        grey = np.asarray(image.convert('L'))
        converted = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        converted = image.convert(mode)
    path = tmp_path / 'ä'
    path.write_bytes(saved(converted, kind))
    expected = image_io.read_image(path).astype(int)
    assert np.abs(read_image(path) - expected).max() <= most
    assert is_image_file(str(path)) and not is_image_file(str(tmp_path))


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', [3, 6, 7])
def test_images_are_upright(kind, orientation, image, tmp_path):
    if kind == 'WEBP' and OPENCV < (4, 13):
        pytest.skip('OpenCV 4.13 is the first to turn WebP')
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / 'turned'
    path.write_bytes(saved(image.convert('RGB'), kind, exif=exif))
    np.testing.assert_array_equal(read_image(path), image_io.read_image(path))


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'BMP'])
def test_truncated_images_are_refused(kind, image, tmp_path):
    content = saved(image.convert('RGB'), kind)
    (tmp_path / 'cut').write_bytes(content[: len(content) * 9 // 10])
    with pytest.raises(ImageError, match='cut'):
        read_image(tmp_path / 'cut')


def test_what_is_no_image_is_refused(tmp_path):
    for name, content, said in (
        ('empty.png', b'', 'is empty'),
        ('text.jpg', b'no image', 'OpenCV'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=f'{name}.*{said}'):
            read_image(tmp_path / name)
    with pytest.raises(ImageError, match=r"absent\.png'.*No such file"):
        read_image(tmp_path / 'absent.png')
    (tmp_path / 'text').write_bytes(b'no image')
    (tmp_path / '.hidden.png').write_bytes(saved(Image.new('L', (4, 4))))
    assert not is_image_file(str(tmp_path / 'text'))
    assert not is_image_file(str(tmp_path / '.hidden.png'))
