import pytest

from mpafer_plugin.utils.quoting import quote


@pytest.mark.parametrize(
    'value', ['a\n', 'x' * 190, -1.5, None, [1, 'b'], {'a': [True]}]
)
def test_short_values_are_quoted_whole(value):
    assert quote(value) == repr(value)


def test_long_values_are_cut():
    assert quote('a' * 1000 + 'b').startswith("'aaa")
    assert quote('a' * 1000 + 'b').endswith("ab'")
    assert len(quote('a' * 1000)) < 210
    assert quote(list(range(1000))).startswith('[0, 1, 2')
    assert len(quote({str(i): ['x' * 50] * 50 for i in range(50)})) < 1010


def test_a_number_that_python_does_not_write():
    assert quote(10**5000) == 'an integer of 16610 bits'
    assert quote([2**300]) == '[an integer of 301 bits]'
