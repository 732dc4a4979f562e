import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from mmcv import imfrombytes
from PIL import Image

from mpafer_plugin.faces import ImageError, read_image
from tests.test_faces.images import saved

# (2, 3): reddish, greenish, bluish above; grey steps below
RGB = np.array(
    [
        [[200, 10, 20], [30, 210, 40], [50, 60, 220]],
        [[0, 0, 0], [128, 128, 128], [255, 255, 255]],
    ],
    np.uint8,
)
BGR = RGB[..., ::-1]


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'TIFF', 'GIF', 'PPM', 'WEBP'])
def test_lossless_formats(kind, tmp_path):
    options = dict(lossless=True) if kind == 'WEBP' else {}
    path = tmp_path / 'ä.jpg'  # the content decides
    path.write_bytes(saved(Image.fromarray(RGB), kind, **options))
    for source in (path, str(path), path.read_bytes()):
        pixels = read_image(source)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        np.testing.assert_array_equal(pixels, BGR)


def test_large_area_of_a_jpeg():
    red = Image.new('RGB', (32, 32), (200, 10, 20))
    pixels = read_image(saved(red, 'JPEG', quality=95))
    assert np.abs(pixels.astype(int) - (20, 10, 200)).max() <= 3


def test_pillow_images_stay_as_they_are():
    """They are opened lazily, and threads may share one."""
    noise = np.random.default_rng(0).integers(0, 255, (800, 1000, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(noise), exif=exif)
    expected = read_image(content)
    assert expected.shape == (1000, 800, 3)
    with (
        Image.open(io.BytesIO(content)) as image,
        ThreadPoolExecutor(8) as pool,
    ):
        for pixels in pool.map(read_image, [image] * 8):
            np.testing.assert_array_equal(pixels, expected)
        assert image.size == (1000, 800)
        assert image.getexif()[0x0112] == 6
    with pytest.raises(ImageError, match="2 x 2 pixels, mode 'F'"):
        read_image(Image.new('F', (2, 2)))


CONTENT = base64.b64encode(bytes(20_000)).decode()


@pytest.mark.parametrize(
    'text, remedy',
    [
        (CONTENT, r'base64\.b64decode\(text\)'),
        (f'data:image/png;base64,{CONTENT}', r'base64\.b64decode\(text\.part'),
        ('https://example.com/a.jpg', r'mmengine\.fileio\.get\(address\)'),
        ('rtsp://example.com/a', r'FERInferencer\.video\(address\)'),
        ('no image' * 2000, 'too long'),
    ],
)
def test_texts_that_are_no_paths(text, remedy):
    with pytest.raises(ImageError, match=remedy) as caught:
        read_image(text)
    assert text[:20] in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(orientation):
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    turn_back = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).T,
        8: lambda p: np.rot90(p, -1),
    }
    stored = np.ascontiguousarray(turn_back[orientation](upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_image(saved(Image.fromarray(stored), exif=exif))
    np.testing.assert_array_equal(pixels[..., 0], upright)


def test_cmyk():
    # no cyan or black, half magenta, full yellow
    image = Image.new('CMYK', (16, 16), (0, 128, 255, 0))
    for kind, options in (('TIFF', {}), ('JPEG', dict(quality=95))):
        pixels = read_image(saved(image, kind, **options))
        away = np.abs(pixels.astype(int) - (0, 127, 255))
        assert away.max() <= 3


def test_grey_one_bit_and_palette():
    grey = Image.fromarray(RGB[..., 0])
    pixels = read_image(saved(grey))
    np.testing.assert_array_equal(pixels, np.stack([RGB[..., 0]] * 3, -1))
    bits = Image.fromarray(np.array([[True, False]]))
    assert read_image(saved(bits))[0, :, 1].tolist() == [255, 0]
    palette = Image.fromarray(RGB).quantize(6)
    assert palette.mode == 'P'
    np.testing.assert_array_equal(read_image(saved(palette)), BGR)


@pytest.fixture
def transparent():
    """Noise, of which some is half or not to be seen."""
    values = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    values[:4, :4, 3] = 0
    return Image.fromarray(values)


def test_transparent_images_are_read_as_training_does(transparent):
    palette = transparent.convert('RGB').quantize(64)
    contents = [
        saved(transparent),
        saved(transparent.convert('LA')),
        saved(palette, transparency=3),
        saved(transparent.convert('RGB'), transparency=(1, 2, 3)),
        saved(transparent, 'WEBP', lossless=True, exact=True),
        saved(transparent, 'TIFF'),
        saved(transparent.convert('LA'), 'TIFF'),
    ]
    for content in contents:
        loaded = imfrombytes(content)  # of LoadImageFromFile
        np.testing.assert_array_equal(read_image(content), loaded)
    # colours stay what they are beneath
    expected = np.asarray(transparent)[..., 2::-1]
    np.testing.assert_array_equal(read_image(contents[0]), expected)


@pytest.mark.parametrize('kind', ['GIF', 'PNG', 'WEBP', 'TIFF'])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new('RGB', (8, 8), c) for c in ((250, 0, 0), (0, 0, 250))]
    options = dict(lossless=True) if kind == 'WEBP' else {}
    content = saved(
        frames[0], kind, save_all=True, append_images=frames[1:], **options
    )
    pixels = read_image(content)
    assert pixels.shape == (8, 8, 3)
    assert pixels[4, 4].tolist() == [0, 0, 250]


def test_one_pixel():
    pixels = read_image(saved(Image.new('RGB', (1, 1), (1, 2, 3))))
    assert pixels.tolist() == [[[3, 2, 1]]]


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'BMP', 'GIF', 'WEBP'])
def test_truncated_images_are_refused(kind, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    content = saved(Image.fromarray(noise), kind)
    for share in (0.9, 0.5, 0.05):
        path = tmp_path / f'{share}.png'
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ImageError, match=rf'{share}\.png'):
            read_image(path)


def test_what_is_no_image_is_refused(tmp_path):
    for name, content in (
        ('text.jpg', b'no image'),
        ('empty.png', b''),
        ('page.eps', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=rf'{name}.*none of JPEG'):
            read_image(tmp_path / name)
    with pytest.raises(ImageError, match=r'9 bytes: .* none of JPEG'):
        read_image(b'123456789')
    with pytest.raises(ImageError, match=r"absent\.png'.*No such file"):
        read_image(tmp_path / 'absent.png')
    with pytest.raises(ImageError, match='directory'):
        read_image(tmp_path)
    with (
        (tmp_path / 'text.jpg').open() as file,
        pytest.raises(ImageError, match='rb'),
    ):
        read_image(file)


def test_values_without_an_agreed_white_are_refused(tmp_path):
    path = tmp_path / 'float.tif'
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)
    with pytest.raises(ImageError, match=r"float\.tif': mode 'F'"):
        read_image(path)
