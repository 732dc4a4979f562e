import numpy as np
import pytest

from mpafer_plugin.datasets.verification.duplicates import (
    duplicate_groups,
    picture_digest,
)

PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def test_same_pixels_have_the_same_digest():
    digest = picture_digest(PICTURE)
    assert len(digest) == 32
    assert picture_digest(PICTURE.copy()) == digest
    # whatever the order in memory
    assert picture_digest(np.asfortranarray(PICTURE)) == digest


@pytest.mark.parametrize(
    'other',
    [
        PICTURE.reshape(4, 2, 3),  # the same bytes in another shape
        PICTURE.reshape(2, 4, 3, 1),
        PICTURE[:, ::-1],
        PICTURE[..., ::-1],
        PICTURE.view(np.int8),
        np.where(PICTURE == 23, 22, PICTURE).astype(np.uint8),
    ],
)
def test_other_pictures_have_another_digest(other):
    assert picture_digest(other) != picture_digest(PICTURE)


def test_groups_keep_the_order_given():
    pairs = [('a', '1'), ('b', '2'), ('c', '1'), ('d', '3'), ('e', '2')]
    pairs += [('f', '1')]
    assert duplicate_groups(pairs) == [['a', 'c', 'f'], ['b', 'e']]
    assert duplicate_groups([('a', '1'), ('b', '2')]) == []
    assert duplicate_groups([]) == []
