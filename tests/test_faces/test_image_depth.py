"""Images of more than 8 bits."""

import struct

import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.faces import image_io, read_image
from tests.test_faces.images import saved


@pytest.mark.parametrize('kind', ['PNG', 'TIFF', 'PPM'])
def test_16_bits_are_scaled(kind):
    values = np.array([[0, 257, 128 * 257], [200 * 257, 65535, 64000]])
    if kind == 'PPM':  # which older Pillows read, but don't write
        content = b'P5 3 2 65535\n' + values.astype('>u2').tobytes()
    else:
        content = saved(Image.fromarray(values.astype(np.uint16)), kind)
    pixels = read_image(content)
    expected = [[0, 1, 128], [200, 255, 249]]
    for channel in np.moveaxis(pixels, -1, 0):
        np.testing.assert_array_equal(channel, expected)


def tiff_of_12_bits(values):
    """Pillow reads them, but doesn't write them."""
    packed = bytearray()
    for first, second in np.asarray(values).reshape(-1, 2).tolist():
        packed += bytes(
            [first >> 4, (first & 15) << 4 | second >> 8, second & 255]
        )
    height, width = np.shape(values)
    tags = (
        (256, width),
        (257, height),
        (258, 12),  # bits
        (259, 1),  # not compressed
        (262, 1),  # 0 is black
        (273, 8),  # where the rows are
        (277, 1),
        (278, height),
        (279, len(packed)),
    )
    packed += bytes(len(packed) % 2)
    folder = b''.join(struct.pack('<HHII', t, 4, 1, v) for t, v in tags)
    head = struct.pack('<2sHI', b'II', 42, 8 + len(packed))
    count = struct.pack('<H', len(tags))
    return head + packed + count + folder + bytes(4)


def test_12_bits_of_a_tiff_that_says_so():
    values = [[0, 4095], [2056, 1028]]
    found = read_image(tiff_of_12_bits(values))
    assert found[..., 0].tolist() == [[0, 255], [128, 64]]
    # it does not say so
    content = saved(Image.fromarray(np.array(values, np.uint16)), 'TIFF')
    assert read_image(content)[..., 0].tolist() == [[0, 16], [8, 4]]


def test_16_bits_as_older_versions_of_pillow_have_them():
    image = Image.fromarray(np.array([[0, 65535, 257]], np.int32), 'I')
    image.format = 'PNG'
    assert image_io._to_bgr(image)[..., 0].tolist() == [[0, 255, 1]]
    image.format = 'TIFF'
    with pytest.raises(ValueError, match='32 bits'):
        image_io._to_bgr(image)
