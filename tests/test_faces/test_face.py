import numpy as np
import pytest

from mpafer_plugin.faces import Face, select_face


def test_numbers_become_arrays():
    face = Face([1, 2, 4, 8])
    assert face.bbox.dtype == float
    assert (face.width, face.height) == (3, 6)
    assert face.score == 1
    assert face.landmarks is None


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(bbox=[1, 2, 3]), r'bbox of a face: \[1, 2, 3\]'),
        (dict(bbox=None), 'bbox of a face: None'),
        (dict(bbox=[4, 2, 4, 8]), r'\[4.0, 2.0, 4.0, 8.0\] is empty'),
        (dict(bbox=[1, 2, 3, float('nan')]), 'bbox of a face'),
        (dict(bbox=[1, 2, 3, 4], landmarks=[[1, 2]]), 'landmarks of a face'),
    ],
)
def test_what_is_no_face(arguments, message):
    with pytest.raises(ValueError, match=message):
        Face(**arguments)


def test_choice():
    """The largest; then the nearest to the middle; then the first."""
    small = Face([45, 45, 55, 55], score=0.99)
    corner = Face([0, 0, 20, 20], score=0.9)
    middle = Face([38, 40, 58, 60], score=0.8)
    same = Face([38, 40, 58, 60], score=0.7)
    shape = (100, 100, 3)
    assert select_face([small, corner], shape) is corner
    assert select_face([corner, small, middle, same], shape) is middle
    assert select_face([same, middle], shape) is same
    assert select_face([], shape) is None
    # height and width of the image are not mixed up
    left, right = Face([10, 10, 30, 30]), Face([170, 10, 190, 30])
    assert select_face([left, right], (20, 400, 3)) is right
    assert select_face([left, right], (400, 20, 3)) is left
    assert isinstance(select_face([left], np.zeros((9, 9, 3)).shape), Face)
