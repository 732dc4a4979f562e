import os

import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.faces.prepare_picture import prepare_picture


class Detector:
    """Finds what it is told, or fails."""

    def __init__(self, *found):
        self.found = found

    def detect(self, picture):
        for face in self.found:
            if not isinstance(face, Face):
                raise face
        return list(self.found)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((40, 40, 3), 50, np.uint8))
    return path


@pytest.mark.parametrize(
    ('found', 'reason'),
    [
        (Face([100, 100, 120, 120]), 'outside of the picture'),
        (Face([0, 0, 9, 9], landmarks=np.ones((5, 2))), 'all landmarks'),
        (OverflowError('infinity'), 'infinity'),
        (cv2.error('a\n  b'), 'a b'),
        (MemoryError(), 'MemoryError'),
    ],
)
def test_what_can_not_be_cut_is_told(picture, found, reason):
    outcome = prepare_picture(picture, FaceCrop(size=32), Detector(found))
    assert outcome.result == 'unreadable'
    assert outcome.content is None
    assert "a.png': " in outcome.reason
    assert reason in outcome.reason


def test_pipes_are_not_waited_for(tmp_path):
    path = tmp_path / 'pipe.png'
    os.mkfifo(path)
    outcome = prepare_picture(path, FaceCrop(), Detector())
    assert outcome.result == 'unreadable'
    assert "pipe.png' is no file" in outcome.reason
