import cv2
import numpy as np

from mpafer_plugin.datasets.annotations import Sample
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.verification import near_duplicates
from mpafer_plugin.datasets.verification.near_duplicates import (
    difference_hash,
)


def test_bits_by_hand():
    rising = np.tile(np.arange(9, dtype=np.uint8), (8, 1))
    assert difference_hash(rising) == 'ff' * 8
    assert difference_hash(rising[:, ::-1]) == '00' * 8
    rising[0] = 5  # neighbours are equal
    assert difference_hash(rising) == '00' + 'ff' * 7


def test_images_that_look_alike(tmp_path):
    rng = np.random.default_rng(0)
    faces = [
        cv2.resize(
            rng.integers(0, 256, (8, 9), dtype=np.uint8),
            (90, 80),
            interpolation=cv2.INTER_NEAREST,
        )
        for _ in range(3)
    ]
    brighter = (faces[0] // 2 + 100).astype(np.uint8)
    smaller = cv2.resize(faces[2], (45, 40), interpolation=cv2.INTER_AREA)
    images = [*faces, brighter, smaller]
    for i, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f'{i}.png'), image)
    (tmp_path / '5.png').write_bytes(b'no image')
    (tmp_path / '6.png').touch()
    samples = [Sample(f'{i}.png', 'fear', 'list', i, str(i)) for i in range(7)]
    groups = near_duplicates(DataRoot(str(tmp_path)), samples)
    assert groups == [[0, 3], [2, 4]]
