import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.test_datasets.conftest import log  # noqa: F401

SHARED = Path(__file__).parents[2] / '../shared'
MODEL = SHARED / 'weights/face_detection_yunet_2023mar.onnx'
TAR = SHARED / 'data/ferplus.tar'

# Of its validation part: both sexes, old and young, dark and light.
NUMBERS = (28640, 28643, 28648, 28666, 28667, 28671)


@pytest.fixture(scope='session')
def yunet_file():
    """Path of the published model."""
    if not MODEL.is_file():
        pytest.skip(f'no {MODEL}')
    return MODEL


@pytest.fixture(scope='session')
def real_faces():
    """Images of one real face each, (48, 48, 3)."""
    if not TAR.is_file():
        pytest.skip(f'no {TAR}')
    faces = []
    with tarfile.open(TAR) as archive:
        for number in NUMBERS:
            name = f'ferplus/FER2013Valid/fer{number:07d}.png'
            content = archive.extractfile(name).read()
            faces.append(
                cv2.imdecode(
                    np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR
                )
            )
    return faces


@pytest.fixture(scope='session')
def canvas(real_faces):
    """Six real faces on a grey canvas, and their squares, x, y and side."""
    canvas = np.full((700, 900, 3), 120, np.uint8)
    squares = []
    for i, face in enumerate(real_faces):
        side = 160 + 16 * i
        x, y = 20 + 290 * (i % 3), 40 + 330 * (i // 3)
        canvas[y : y + side, x : x + side] = cv2.resize(
            face, (side, side), interpolation=cv2.INTER_CUBIC
        )
        squares.append((x, y, side))
    return canvas, squares
