import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets.verification.image_facts import (
    duplicate_groups,
    image_digest,
    image_facts,
)

COLOUR = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def encode(image, ending='.png'):
    return cv2.imencode(ending, image)[1].tobytes()


@pytest.mark.parametrize('ending', ['.png', '.jpg'])
def test_size_and_colour(ending):
    facts = image_facts(encode(COLOUR, ending))
    assert (facts.width, facts.height, facts.grey) == (40, 30, False)


def test_one_channel_is_three_equal_ones():
    grey = COLOUR[..., 0]
    one = image_facts(encode(grey))
    three = image_facts(encode(cv2.merge([grey] * 3)))
    assert one == three
    assert one.grey
    # each pair of channels counts
    for k in range(3):
        other = cv2.merge([grey] * 3)
        other[0, 0, k] ^= 1
        assert not image_facts(encode(other)).grey


def test_same_pixels_in_other_files():
    png = image_facts(encode(COLOUR))
    assert png.digest == image_facts(encode(COLOUR, '.bmp')).digest
    assert png.digest != image_facts(encode(COLOUR, '.jpg')).digest


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'the file is empty'),
        (b'not an image at all', "it starts with b'not an image at "),
        (encode(COLOUR, '.jpg')[:-2], 'truncated'),
        (encode(COLOUR, '.jpg')[:-200], 'truncated'),
        (encode(COLOUR, '.jpg')[:200], 'Truncated'),
        (encode(COLOUR)[:-200], 'truncated'),
        (encode(COLOUR)[:-40] + bytes(40), 'broken'),
    ],
)
def test_broken(data, message):
    with pytest.raises(ValueError, match=message):
        image_facts(data)


def test_truncation_is_seen_without_opencv(monkeypatch):
    # some versions of OpenCV fill up what is missing
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: COLOUR)
    with pytest.raises(ValueError, match='truncated'):
        image_facts(encode(COLOUR, '.jpg')[:-200])


IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def test_same_pixels_have_the_same_digest():
    digest = image_digest(IMAGE)
    assert len(digest) == 32
    assert image_digest(IMAGE.copy()) == digest
    # whatever the order in memory
    assert image_digest(np.asfortranarray(IMAGE)) == digest


@pytest.mark.parametrize(
    'other',
    [
        IMAGE.reshape(4, 2, 3),  # the same bytes in another shape
        IMAGE.reshape(2, 4, 3, 1),
        IMAGE[:, ::-1],
        IMAGE[..., ::-1],
        IMAGE.view(np.int8),
        np.where(IMAGE == 23, 22, IMAGE).astype(np.uint8),
    ],
)
def test_other_images_have_another_digest(other):
    assert image_digest(other) != image_digest(IMAGE)


def test_groups_keep_the_order_given():
    pairs = [('a', '1'), ('b', '2'), ('c', '1'), ('d', '3'), ('e', '2')]
    pairs += [('f', '1')]
    assert duplicate_groups(pairs) == [['a', 'c', 'f'], ['b', 'e']]
    assert duplicate_groups([('a', '1'), ('b', '2')]) == []
    assert duplicate_groups([]) == []
