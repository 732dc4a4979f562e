import io

import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.faces import PictureError, read_picture

# (2, 3): reddish, greenish, bluish above; grey steps below
RGB = np.array(
    [
        [[200, 10, 20], [30, 210, 40], [50, 60, 220]],
        [[0, 0, 0], [128, 128, 128], [255, 255, 255]],
    ],
    np.uint8,
)
BGR = RGB[..., ::-1]


def saved(image, kind='PNG', **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'TIFF', 'GIF', 'PPM', 'WEBP'])
def test_lossless_formats(kind, tmp_path):
    options = dict(lossless=True) if kind == 'WEBP' else {}
    path = tmp_path / 'ä.jpg'  # the content decides
    path.write_bytes(saved(Image.fromarray(RGB), kind, **options))
    for source in (path, str(path), path.read_bytes()):
        picture = read_picture(source)
        assert picture.dtype == np.uint8
        assert picture.flags.c_contiguous
        np.testing.assert_array_equal(picture, BGR)


def test_large_area_of_a_jpeg():
    red = Image.new('RGB', (32, 32), (200, 10, 20))
    picture = read_picture(saved(red, 'JPEG', quality=95))
    assert np.abs(picture.astype(int) - (20, 10, 200)).max() <= 3


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
    picture = read_picture(saved(Image.fromarray(stored), exif=exif))
    np.testing.assert_array_equal(picture[..., 0], upright)


def test_cmyk():
    # no cyan or black, half magenta, full yellow
    image = Image.new('CMYK', (16, 16), (0, 128, 255, 0))
    for kind, options in (('TIFF', {}), ('JPEG', dict(quality=95))):
        picture = read_picture(saved(image, kind, **options))
        away = np.abs(picture.astype(int) - (0, 127, 255))
        assert away.max() <= 3


@pytest.mark.parametrize('kind', ['PNG', 'TIFF', 'PPM'])
def test_16_bits_are_scaled(kind):
    values = np.array([[0, 257, 128 * 257], [200 * 257, 65535, 64000]])
    image = Image.fromarray(values.astype(np.uint16))
    picture = read_picture(saved(image, kind))
    expected = [[0, 1, 128], [200, 255, 249]]
    for channel in np.moveaxis(picture, -1, 0):
        np.testing.assert_array_equal(channel, expected)


def test_grey_one_bit_and_palette():
    grey = Image.fromarray(RGB[..., 0])
    picture = read_picture(saved(grey))
    np.testing.assert_array_equal(picture, np.stack([RGB[..., 0]] * 3, -1))
    bits = Image.fromarray(np.array([[True, False]]))
    assert read_picture(saved(bits))[0, :, 1].tolist() == [255, 0]
    palette = Image.fromarray(RGB).quantize(6)
    assert palette.mode == 'P'
    np.testing.assert_array_equal(read_picture(saved(palette)), BGR)


def test_transparency_is_put_on_white():
    alpha = np.dstack([RGB, np.full((2, 3), 255, np.uint8)])
    alpha[0, 0, 3], alpha[1, 0, 3] = 0, 51
    picture = read_picture(saved(Image.fromarray(alpha)))
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[1, 0].tolist() == [204, 204, 204]  # a fifth of black
    np.testing.assert_array_equal(picture[:, 1:], BGR[:, 1:])
    grey = Image.fromarray(alpha[..., [0, 3]], 'LA')
    assert read_picture(saved(grey))[0, 0].tolist() == [255, 255, 255]
    palette = Image.fromarray(RGB).quantize(6)
    hidden = int(np.asarray(palette)[0, 1])
    picture = read_picture(saved(palette, transparency=hidden))
    assert picture[0, 1].tolist() == [255, 255, 255]
    assert picture[0, 0].tolist() == BGR[0, 0].tolist()


@pytest.mark.parametrize('kind', ['GIF', 'PNG', 'WEBP', 'TIFF'])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new('RGB', (8, 8), c) for c in ((250, 0, 0), (0, 0, 250))]
    options = dict(lossless=True) if kind == 'WEBP' else {}
    content = saved(
        frames[0], kind, save_all=True, append_images=frames[1:], **options
    )
    picture = read_picture(content)
    assert picture.shape == (8, 8, 3)
    assert picture[4, 4].tolist() == [0, 0, 250]


def test_one_pixel():
    picture = read_picture(saved(Image.new('RGB', (1, 1), (1, 2, 3))))
    assert picture.tolist() == [[[3, 2, 1]]]


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


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'BMP', 'GIF', 'WEBP'])
def test_truncated_pictures_are_refused(kind, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    content = saved(Image.fromarray(noise), kind)
    for share in (0.9, 0.5, 0.05):
        path = tmp_path / f'{share}.png'
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(PictureError, match=rf'{share}\.png'):
            read_picture(path)


def test_what_is_no_picture_is_refused(tmp_path):
    for name, content in (
        ('text.jpg', b'no picture'),
        ('empty.png', b''),
        ('page.eps', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PictureError, match=rf'{name}.*none of JPEG'):
            read_picture(tmp_path / name)
    with pytest.raises(PictureError, match=r'9 bytes: .* none of JPEG'):
        read_picture(b'123456789')
    with pytest.raises(PictureError, match=r"absent\.png'.*No such file"):
        read_picture(tmp_path / 'absent.png')
    with pytest.raises(PictureError, match='directory'):
        read_picture(tmp_path)


def test_values_without_an_agreed_white_are_refused(tmp_path):
    path = tmp_path / 'float.tif'
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)
    with pytest.raises(PictureError, match=r"float\.tif': mode 'F'"):
        read_picture(path)
