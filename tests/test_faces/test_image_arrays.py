import io

import numpy as np
import pytest
import torch
from PIL import Image

from mpafer_plugin.faces import to_bgr
from tests.test_faces.images import saved

RGB = np.array(
    [
        [[200, 10, 20], [30, 210, 40], [50, 60, 220]],
        [[0, 0, 0], [128, 128, 128], [255, 255, 255]],
    ],
    np.uint8,
)
BGR = RGB[..., ::-1]
GREY = RGB[..., 0]
ALPHA = np.full((2, 3, 1), 99, np.uint8)


@pytest.mark.parametrize(
    'array, order, expected',
    [
        (BGR, 'bgr', BGR),
        (RGB, 'rgb', BGR),
        (np.dstack([BGR, ALPHA]), 'bgr', BGR),
        (np.dstack([RGB, ALPHA]), 'rgb', BGR),
        (GREY, 'bgr', np.dstack([GREY] * 3)),
        (GREY[..., None], 'rgb', np.dstack([GREY] * 3)),
    ],
)
def test_arrays(array, order, expected):
    np.testing.assert_array_equal(to_bgr(array, order), expected)


@pytest.mark.parametrize('order', ['bgr', 'rgb'])
@pytest.mark.parametrize(
    'image, expected',
    [
        (torch.from_numpy(RGB).permute(2, 0, 1), BGR),
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255, BGR),
        (torch.from_numpy(RGB).permute(2, 0, 1).half() / 255, BGR),
        (torch.from_numpy(np.dstack([RGB, ALPHA])).permute(2, 0, 1), BGR),
        (torch.from_numpy(GREY)[None], np.dstack([GREY] * 3)),
        (torch.from_numpy(GREY), np.dstack([GREY] * 3)),
        (Image.fromarray(RGB), BGR),
        (saved(Image.fromarray(RGB)), BGR),
        (io.BytesIO(saved(Image.fromarray(RGB))), BGR),
    ],
)
def test_what_states_its_channels(image, expected, order):
    if hasattr(image, 'seek'):
        image.seek(0)
    np.testing.assert_array_equal(to_bgr(image, order), expected)


@pytest.mark.parametrize(
    'image, message',
    [
        (np.zeros((4, 4, 3)), r'\(4, 4, 3\) of float64'),
        (np.zeros((4, 4, 2), np.uint8), r'\(4, 4, 2\) of uint8'),
        (np.zeros((2, 4, 4, 3), np.uint8), r'\(2, 4, 4, 3\).* are a list'),
        (np.zeros(3, np.uint8), r'\(3,\) of uint8'),
        (np.zeros((0, 4, 3), np.uint8), r'\(0, 4, 3\)'),
        (torch.zeros(8, 8, 3), r'\(8, 8, 3\) of torch.float32 .*\(3, H, W\)'),
        (torch.zeros(2, 3, 4, 4), r'\(2, 3, 4, 4\).* are a list'),
        (torch.zeros(3, 4, 4).long(), 'torch.int64 .*uint8'),
        (torch.full((3, 4, 4), -2.0), 'from -2 to -2'),
        (torch.full((3, 4, 4), 255.0), 'from 255 to 255'),
        (torch.full((3, 4, 4), float('nan')), 'from nan to nan'),
    ],
)
def test_arrays_that_are_no_image(image, message):
    with pytest.raises(ValueError, match=message):
        to_bgr(image)
