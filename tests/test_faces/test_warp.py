import numpy as np
import pytest

from mpafer_plugin.faces.alignment import box_matrix
from mpafer_plugin.faces.warp import cut_out


@pytest.mark.parametrize('size', [20, 40, 80])
@pytest.mark.parametrize('options, value', [({}, 0), (dict(outside=255), 255)])
def test_what_is_outside(size, options, value):
    """Half of the square; between the two, less than a pixel is mixed."""
    picture = np.full((40, 40, 3), 100, np.uint8)
    matrix = box_matrix(np.array([-20, 0, 20, 40]), size, 0)
    part = cut_out(picture, matrix, size, **options)[1:-1, :-1]
    assert (part[:, : size // 2 - 1] == value).all()
    assert (part[:, size // 2 + 1 :] == 100).all()
