import re

import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets import FERFolder
from mpafer_plugin.faces import ImageError

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_an_image_that_cannot_be_decoded(tmp_path, content):
    (tmp_path / 'Happy').mkdir()
    path = tmp_path / 'Happy' / '1.png'
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    dataset = FERFolder(str(tmp_path), pipeline=PIPELINE, val_fraction=0)
    assert dataset[0]['inputs'].shape == (3, 4, 4)
    path.write_bytes(content)
    message = rf'{re.escape(repr(str(path)))} cannot be decoded .*--missing'
    with pytest.raises(ImageError, match=message):
        dataset[0]
