import shutil

import cv2
import numpy as np
import pytest

from tools.pretraining.photo_split import split_photos


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    number = 0
    for folder, count in (
        ('FER2013Train', 40),
        ('FER2013Valid', 3),
        ('FER2013Test', 3),
    ):
        (tmp_path / folder).mkdir()
        for _ in range(count):
            image = rng.integers(0, 256, (48, 48)).astype(np.uint8)
            path = tmp_path / folder / f'fer{number:07}.png'
            cv2.imwrite(str(path), image)
            number += 1
    return tmp_path


def test_halves(root):
    split = split_photos(root)
    assert set(split.half_a).isdisjoint(split.half_b)
    assert len(split.half_a) + len(split.half_b) == 40
    assert 10 < len(split.half_a) < 30
    assert split.copies == []
    path, image = next(iter(split.half_a.items()))
    assert np.array_equal(cv2.imread(str(root / path), 0), image)
    again = split_photos(root)
    assert list(again.half_a) == list(split.half_a)
    assert list(split_photos(root, seed=1).half_a) != list(split.half_a)


def test_copies(root):
    train = root / 'FER2013Train'
    shutil.copy(root / 'FER2013Test/fer0000043.png', train / 'leak.png')
    for i in range(10):
        shutil.copy(train / f'fer000000{i}.png', train / f'again{i}.png')
    split = split_photos(root)
    assert split.copies == ['FER2013Train/leak.png']
    for i in range(10):
        a, b = (
            f'FER2013Train/{name}.png' in split.half_a
            for name in (f'fer000000{i}', f'again{i}')
        )
        assert a == b


def test_another_folder(root):
    with pytest.raises(FileNotFoundError, match='FER2013Valid'):
        split_photos(root / 'FER2013Train')
    (root / 'FER2013Train/broken.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'broken\.png cannot be read'):
        split_photos(root)
