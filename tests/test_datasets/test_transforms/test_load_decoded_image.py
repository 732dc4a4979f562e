import os

import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmpretrain.registry import TRANSFORMS


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'face.png'
    rng = np.random.default_rng(0)
    cv2.imwrite(str(path), rng.integers(0, 256, (12, 10, 3), dtype=np.uint8))
    return path


@pytest.fixture
def load(tmp_path):
    config = dict(type='LoadDecodedImage', cache_dir=str(tmp_path / 'cache'))
    return TRANSFORMS.build(config)


def cached(load):
    return sorted(load.folder.rglob('*.*'))


def test_equals_the_host_and_decodes_once(load, image, monkeypatch):
    expected = LoadImageFromFile()({'img_path': str(image)})
    first = load({'img_path': str(image)})
    assert len(cached(load)) == 1
    monkeypatch.setattr('mmcv.imfrombytes', None)  # it cannot decode any more
    second = load({'img_path': str(image)})
    for found in (first, second):
        assert found.keys() == expected.keys()
        np.testing.assert_array_equal(found['img'], expected['img'])
        assert found['img_shape'] == found['ori_shape'] == (12, 10)
        found['img'][:] = 0  # a pipeline may write into its image
    third = load({'img_path': str(image)})
    np.testing.assert_array_equal(third['img'], expected['img'])


def test_a_file_name_that_is_not_utf8(load, image):
    path = str(image.rename(image.with_name(os.fsdecode(b'caf\xe9.png'))))
    assert load({'img_path': path})['img'].shape == (12, 10, 3)
    assert len(cached(load)) == 1


def test_a_cache_that_cannot_be_written_is_a_warning(image, tmp_path):
    (tmp_path / 'file').touch()
    cache = str(tmp_path / 'file' / 'cache')
    load = TRANSFORMS.build(dict(type='LoadDecodedImage', cache_dir=cache))
    with pytest.warns(UserWarning, match='images are decoded each time'):
        found = load({'img_path': str(image)})
    expected = LoadImageFromFile()({'img_path': str(image)})
    np.testing.assert_array_equal(found['img'], expected['img'])


def test_a_changed_image_is_decoded_again(load, image):
    load({'img_path': str(image)})
    cv2.imwrite(str(image), np.zeros((12, 10, 3), np.uint8))
    assert load({'img_path': str(image)})['img'].max() == 0
    stat = os.stat(image)
    os.utime(image, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    load({'img_path': str(image)})
    assert len(cached(load)) == 3


def test_another_way_of_decoding_is_another_file(load, image, tmp_path):
    load({'img_path': str(image)})
    grey = TRANSFORMS.build(
        dict(
            type='LoadDecodedImage',
            cache_dir=str(tmp_path / 'cache'),
            color_type='grayscale',
        )
    )
    assert grey({'img_path': str(image)})['img'].ndim == 2
    assert load({'img_path': str(image)})['img'].ndim == 3


@pytest.mark.parametrize(
    'content',
    [
        lambda valid: valid[:-7],
        lambda valid: b'',
        lambda valid: valid.replace(b"'|u1'", b"'|b1'"),
        lambda valid: b'PK' + valid,
    ],
)
def test_a_damaged_file_is_made_anew(load, image, content):
    img = load({'img_path': str(image)})['img']
    (file,) = cached(load)
    valid = file.read_bytes()
    file.write_bytes(content(valid))
    with pytest.warns(UserWarning, match=f'decoded again.*{file.name}'):
        again = load({'img_path': str(image)})
    np.testing.assert_array_equal(again['img'], img)
    assert file.read_bytes() == valid


def test_missing_image(load, tmp_path):
    with pytest.raises(ValueError, match=r"absent\.png' is not a local file"):
        load({'img_path': str(tmp_path / 'absent.png')})
