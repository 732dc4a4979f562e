from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mpafer_plugin.datasets import FERCsv
from mpafer_plugin.datasets.argument_types import fits


@pytest.mark.parametrize(
    ('hint', 'good', 'bad'),
    [
        (int, [0, -1], [True, 1.0, '1', None]),
        (float, [0, 0.5], [False, '0.5', None]),
        (bool, [True], [1, 'True']),
        (str, ['', 'a'], [1, b'a', ['a']]),
        (str | None, ['a', None], [1]),
        (Sequence[str], [[], ('a', 'b')], ['ab', [1], {'a': 1}]),
        (Sequence, [[1]], [3]),
        (Mapping[str, int], [{}, {'a': 1}], [{1: 1}, {'a': 'b'}, ['a']]),
        (dict[str, list[str]], [{'a': ['b']}], [{'a': 'b'}]),
        (Any, [None, 3, 'a'], []),
    ],
)
def test_types(hint, good, bad):
    assert all(fits(value, hint) for value in good)
    assert not any(fits(value, hint) for value in bad)


@pytest.mark.parametrize(
    'arguments',
    [
        dict(split=3),
        dict(ann_file=['labels.csv']),
        dict(columns='path'),
        dict(columns=dict(path=3)),
        dict(columns=dict(groups='age')),
        dict(columns=dict(groups=[3])),
        dict(crop=dict(side=3)),
        dict(crop=dict(size=True)),
        dict(delimiter=',,'),
        dict(delimiter='"'),
        dict(prefix=None),
        dict(names=dict(a=1)),
        dict(merge=dict(a=3)),
        dict(merge=['a']),
        dict(folds='3', fold=0),
        dict(folds=3, fold=True),
        dict(val_fraction='0.1'),
        dict(val_seed=1.5),
        dict(subset=dict(num='3')),
        dict(subset=dict(number=3)),
        dict(subject=['S[0-9]']),
        dict(leave_out=3),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(tmp_path, arguments):
    (tmp_path / 'labels.csv').write_text('path,label\na.png,sad\n')
    name = [*arguments][-1]
    with pytest.raises(ValueError, match=name):
        FERCsv(str(tmp_path), **arguments)


def test_arguments_by_position(tmp_path):
    with pytest.raises(ValueError, match='split=3 is not of the type str'):
        FERCsv(str(tmp_path), 3)
