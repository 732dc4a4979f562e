import math

import pytest

from mpafer_plugin.utils.numbers import is_number, is_whole, parse_number


@pytest.mark.parametrize('value', [0, -1, 1.5, 1e308, 10**308])
def test_numbers(value):
    assert is_number(value)


@pytest.mark.parametrize(
    'value', [True, None, '1', math.nan, math.inf, 10**400, -(10**400), [1]]
)
def test_no_numbers(value):
    assert not is_number(value)
    assert not is_whole(value)


def test_whole_numbers():
    assert is_whole(0) and is_whole(3, 3, 3)
    for value in (-1, 1.0, 2**63):
        assert not is_whole(value)
    assert not is_whole(4, 5)


def test_numbers_in_texts():
    texts = ('3', '-1e2', ' .5 ')
    assert [parse_number(text) for text in texts] == [3, -100, 0.5]
    for text in ('', 'a', 'nan', 'inf', '1e400', '1_0', 'True'):
        assert math.isnan(parse_number(text))
