from collections import Counter

import pytest

from mpafer_plugin.datasets import FERPlus
from mpafer_plugin.datasets.annotations import Sample
from mpafer_plugin.datasets.splits import choose_subset

SIZES = {'happiness': 60, 'fear': 33, 'contempt': 7}
SPLIT = [
    Sample(f'{label}{i}.png', label, 'list', i, f'{label}{i}')
    for label, size in SIZES.items()
    for i in range(size)
]


def counts(samples):
    return Counter(sample.label for sample in samples)


def test_in_proportion():
    chosen = choose_subset(SPLIT, num=10)
    assert counts(chosen) == {'happiness': 6, 'fear': 3, 'contempt': 1}
    assert [s for s in SPLIT if s in chosen] == chosen
    assert len(choose_subset(SPLIT, num=11)) == 11
    assert choose_subset(SPLIT, num=100) == SPLIT


def test_the_same_of_each_class():
    chosen = choose_subset(SPLIT, per_class=16)
    assert counts(chosen) == {'happiness': 16, 'fear': 16, 'contempt': 7}


def test_seeds_and_nesting():
    four, sixteen = (choose_subset(SPLIT, per_class=n) for n in (4, 16))
    assert set(four) < set(sixteen)
    assert set(choose_subset(SPLIT, per_class=4, seed=1)) != set(four)
    assert set(choose_subset(SPLIT[::-1], per_class=4)) == set(four)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(), 'num=None and per_class=None'),
        (dict(num=5, per_class=5), 'num=5 and per_class=5'),
        (dict(num=101), 'num=101 is not in 1 to 100'),
        (dict(num=0), 'num=0 is not in'),
        (dict(per_class=0), 'per_class=0 is not positive'),
    ],
)
def test_wrong_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        choose_subset(SPLIT, **arguments)


def test_by_a_reader(data_root, log):
    dataset = FERPlus(
        str(data_root / 'ferplus'), subset=dict(per_class=2, seed=3)
    )
    assert len(dataset) == 16
    assert set(dataset.get_gt_labels()) == set(range(8))
    assert 'of these the subset per_class=2, seed=3' in log.text
