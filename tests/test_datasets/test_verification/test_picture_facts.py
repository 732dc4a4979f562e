import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets.verification.picture_facts import picture_facts

COLOUR = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def encode(image, ending='.png'):
    return cv2.imencode(ending, image)[1].tobytes()


@pytest.mark.parametrize('ending', ['.png', '.jpg'])
def test_size_and_colour(ending):
    facts = picture_facts(encode(COLOUR, ending))
    assert (facts.width, facts.height, facts.grey) == (40, 30, False)


def test_one_channel_is_three_equal_ones():
    grey = COLOUR[..., 0]
    one = picture_facts(encode(grey))
    three = picture_facts(encode(cv2.merge([grey] * 3)))
    assert one == three
    assert one.grey
    # each pair of channels counts
    for k in range(3):
        other = cv2.merge([grey] * 3)
        other[0, 0, k] ^= 1
        assert not picture_facts(encode(other)).grey


def test_same_pixels_in_other_files():
    png = picture_facts(encode(COLOUR))
    assert png.digest == picture_facts(encode(COLOUR, '.bmp')).digest
    assert png.digest != picture_facts(encode(COLOUR, '.jpg')).digest


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'the file is empty'),
        (b'not a picture at all', "it starts with b'not a picture at'"),
        (encode(COLOUR, '.jpg')[:-2], 'truncated'),
        (encode(COLOUR, '.jpg')[:-200], 'truncated'),
        (encode(COLOUR, '.jpg')[:200], 'Truncated'),
        (encode(COLOUR)[:-200], 'truncated'),
        (encode(COLOUR)[:-40] + bytes(40), 'broken'),
    ],
)
def test_broken(data, message):
    with pytest.raises(ValueError, match=message):
        picture_facts(data)


def test_truncation_is_seen_without_opencv(monkeypatch):
    # some versions of OpenCV fill up what is missing
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: COLOUR)
    with pytest.raises(ValueError, match='truncated'):
        picture_facts(encode(COLOUR, '.jpg')[:-200])
