import numpy as np
import pytest

from mpafer_plugin.report.bootstrap import Bootstrap


def test_scores_of_twelve_images(twelve):
    probs, true = twelve
    found = Bootstrap(true, [probs.argmax(1)], 3)
    point = found.point[0]
    assert point['accuracy'] == 9 / 12
    assert point['uar'] == pytest.approx((4 / 5 + 3 / 4 + 2 / 3) / 3)
    assert point['macro_f1'] == pytest.approx((8 / 11 + 6 / 8 + 4 / 5) / 3)
    assert point['precision'] == pytest.approx([4 / 6, 3 / 4, 2 / 2])
    # 12 images of which each is right with 3/4: at most 5 right with
    # probability 0.014, at most 6 with 0.054, and 12 with 0.032.
    assert found.intervals()['accuracy'] == dict(value=75, low=50, high=100)


def test_a_class_without_images(twelve):
    probs, true = twelve
    found = Bootstrap(true, [probs.argmax(1)], 4)
    assert found.recalls()[3] is None
    assert found.recalls()[0]['value'] == pytest.approx(80)
    assert found.intervals()['uar']['value'] == pytest.approx(73.8889, 1e-5)


def test_persons_are_drawn_as_a_whole(twelve):
    probs, true = twelve
    predicted = probs.argmax(1)
    # The wrong images 4, 8 and 10 are all of one of two persons.
    persons = np.isin(np.arange(12), [4, 8, 10, 11]).astype(int)
    found = Bootstrap(true, [predicted], 3, persons).samples[0]['accuracy']
    # Twice the first person, both, or twice the second one.
    assert np.unique(found).round(4).tolist() == [0.25, 0.75, 1]
    assert np.mean(found == 0.75) == pytest.approx(0.5, abs=0.05)
    assert Bootstrap(true, [predicted], 3, 0 * persons).intervals()[
        'accuracy'
    ] == dict(value=75, low=75, high=75)


def test_differences_are_paired(twelve):
    probs, true = twelve
    predicted = probs.argmax(1)
    better = predicted.copy()
    better[[4, 8, 10]] = true[[4, 8, 10]]
    found = Bootstrap(true, [predicted, better], 3)
    gain = found.differences(0, 1)['accuracy']
    assert gain['value'] == 25
    assert gain['low'] == 0 and gain['high'] == 50  # Binomial(12, 1/4)
    none = found.differences(1, 1)['uar']
    assert none == dict(value=0, low=0, high=0)


def test_resamples_are_the_same_again(twelve):
    probs, true = twelve
    first, again = (Bootstrap(true, [probs.argmax(1)], 3) for _ in range(2))
    assert first.intervals() == again.intervals()


@pytest.mark.parametrize('of', ['a class', 'all images'])
def test_no_image_right(of):
    """Wilson: 1.96 ** 2 / (4 + 1.96 ** 2) at most, and the mirror image."""
    true, predicted = np.array(4 * [0] + 4 * [1]), np.array(8 * [1])
    if of == 'a class':
        none, all_ = Bootstrap(true, [predicted], 2).recalls()
    else:
        halves = (slice(4), slice(4, 8))
        none, all_ = (
            Bootstrap(true[x], [predicted[x]], 2).intervals()['accuracy']
            for x in halves
        )
    assert (none['value'], none['low']) == (0, 0)
    assert none['high'] == pytest.approx(48.99, abs=0.01)
    assert (all_['value'], all_['high']) == (100, 100)
    assert all_['low'] == pytest.approx(51.01, abs=0.01)
