import numpy as np
import pytest

from mpafer_plugin.report.groups import group_results


def test_groups_of_twelve_images(twelve):
    probs, true = twelve
    values = 6 * ['a'] + 4 * ['b'] + 2 * ['']
    found = group_results({'age': values}, true, probs.argmax(1), 3)['age']
    first, second, third = found['groups']
    assert (first['group'], first['images']) == ('a', 6)
    assert first['accuracy']['value'] == pytest.approx(100 * 5 / 6)
    assert first['uar']['value'] == pytest.approx(100 * (4 / 5 + 1) / 2)
    assert first['recall'][2] is None
    assert first['support'] == [5, 1, 0]
    assert second['accuracy']['value'] == 75  # image 8 is wrong
    assert third['group'] == '(not known)'
    assert all(group['too_small'] for group in found['groups'])
    assert found['gap'] is None  # none is large enough


def test_gap_of_large_groups(twelve):
    probs, true = (np.repeat(x, 10, axis=0) for x in twelve)
    values = 60 * ['a'] + 40 * ['b'] + 20 * ['c']
    found = group_results({'age': values}, true, probs.argmax(1), 3)['age']
    gap = found['gap']
    assert gap['points'] == pytest.approx(100 * (5 / 6 - 3 / 4))
    assert (gap['best'], gap['worst']) == ('a', 'b')
    assert gap['images'] == [60, 40]  # c has 20, too few


def test_groups_by_persons(twelve):
    probs, true = twelve
    persons = np.arange(12) // 3
    found = group_results(
        {'age': 6 * ['a'] + 6 * ['b']}, true, probs.argmax(1), 3, persons
    )['age']
    assert [group['persons'] for group in found['groups']] == [2, 2]
