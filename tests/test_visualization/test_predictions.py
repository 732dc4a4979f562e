import numpy as np
import pytest

from mpafer_plugin.visualization import draw_predictions, shrink
from mpafer_plugin.visualization.predictions import COLOURS

NAMES = ['neutral', 'happiness', 'a name that is far too long to fit']


def face(bbox, values=(0.1, 0.7, 0.2)):
    label = int(np.argmax(values))
    return dict(
        bbox=bbox,
        pred_class=NAMES[label],
        pred_score=values[label],
        probs=dict(zip(NAMES, values, strict=True)),
    )


def pixels(drawn, colour):
    """How many pixels have a colour given as RGB."""
    return int((drawn == np.array(colour)[::-1]).all(-1).sum())


@pytest.fixture
def grey():
    return np.full((500, 600, 3), 128, np.uint8)


def test_boxes_and_bars(grey):
    drawn = draw_predictions(grey, [face([100, 100, 300, 300])])
    assert drawn.shape == (500, 800, 3)
    frame = np.array(COLOURS[0])[::-1]
    for y, x in ((200, 100), (200, 300), (300, 200)):
        assert (drawn[y, x] == frame).all()
    assert (drawn[200, 200] == 128).all()  # nothing on the face
    assert (drawn[320:, :600] == 128).all()


def test_bars_are_as_long_as_probabilities_are_large(grey):
    def bar(values):
        box = [-50, -50, -10, -10]  # outside: only the card is coloured
        return pixels(
            draw_predictions(grey, [face(box, values)])[:, 700:], COLOURS[0]
        )

    small, large = bar((0.1, 0.4, 0.39)), bar((0.1, 0.8, 0.1))
    assert large == pytest.approx(2 * small, rel=0.15)


@pytest.mark.parametrize(
    'shape, expected',
    [
        ((48, 48), (480, 480)),
        ((3000, 1000), (1600, 533)),
        ((1, 1), (480, 480)),
    ],
)
def test_size(shape, expected):
    image = np.zeros((*shape, 3), np.uint8)
    assert draw_predictions(image, []).shape[:2] == expected


def test_without_a_face_it_says_so(grey):
    drawn = draw_predictions(grey, [])
    assert (drawn[:20, :100] != 128).any()


def test_each_face_has_its_colour_and_none_is_lost(grey):
    faces = [face([10 * i, 10, 10 * i + 8, 20]) for i in range(30)]
    drawn = draw_predictions(grey, faces)
    for colour in COLOURS:
        assert pixels(drawn[:, 600:], colour) > 100
    # Five cards a column, 24 at most, then words below.
    assert drawn.shape[1] == 600 + 5 * 200
    assert (drawn[-18:, 600:] != 255).any()


def test_frames_of_a_video_have_one_size(grey):
    sizes = {
        draw_predictions(grey, faces, 1, len(NAMES)).shape
        for faces in ([], [face([1, 1, 9, 9])], [face([1, 1, 9, 9])] * 40)
    }
    assert sizes == {(500, 800, 3)}


def test_of_many_classes_the_most_probable(grey):
    found = face([1, 1, 9, 9])
    probs = [(f'class {i}', i / 200) for i in range(200)]
    drawn = [
        draw_predictions(grey, [found | dict(probs=dict(shown))], 1, 200)
        for shown in (probs, probs[:-25:-1])
    ]
    assert np.array_equal(*drawn)
    assert drawn[0].shape == (500, 800, 3)


@pytest.mark.parametrize('shape', [(40, 60), (500, 601), (2000, 3001)])
def test_a_shrunk_image_is_drawn_as_the_whole(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    faces = [face([5, 5, 33.3, 31])]
    drawn = draw_predictions(shrink(image), faces, shape=shape)
    assert np.array_equal(drawn, draw_predictions(image, faces))
    assert max(shrink(image).shape) <= 1600


def test_a_name_that_no_font_has_is_drawn_as_its_number(grey):
    drawn = []
    for name in ('\U0010fffe', '#2'):
        probs = dict(calm=0.2, **{name: 0.8})
        found = dict(bbox=[50, 50, 90, 90], pred_class=name, pred_score=0.8)
        drawn.append(draw_predictions(grey, [dict(found, probs=probs)]))
    assert np.array_equal(*drawn)
