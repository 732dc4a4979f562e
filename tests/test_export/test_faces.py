import cv2
import numpy as np
import pytest

from mpafer_plugin.export.faces import faces_of_config, faces_of_folder

RESIZE = [
    dict(type='Resize', scale=(6, 4), interpolation='nearest'),
    dict(type='PackInputs'),
]


def test_a_folder_of_crops(tmp_path):
    for i in range(5):
        image = np.full((9, 9, 3), (10 * i, 0, 200), np.uint8)  # BGR
        cv2.imwrite(str(tmp_path / f'{i}.png'), image)
    faces = faces_of_folder(tmp_path, RESIZE, 2)
    assert faces.shape == (2, 3, 4, 6) and faces.dtype == np.float32
    np.testing.assert_array_equal(
        faces[:, :, 0, 0], [[200, 0, 0], [200, 0, 20]]
    )
    assert len(faces_of_folder(tmp_path, RESIZE, 9)) == 5


def test_a_folder_without_images(tmp_path):
    with pytest.raises(ValueError, match='no images'):
        faces_of_folder(tmp_path, RESIZE, 2)


def test_training_faces_of_a_config(load_config):
    cfg = load_config('mpafer_rafdb.py')
    faces = faces_of_config(cfg, 8)
    assert faces.shape == (8, 3, 32, 32)
    assert faces.max() > 1  # not normalised
    np.testing.assert_array_equal(faces, faces_of_config(cfg, 8))
