import logging
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.dataset import ClassBalancedDataset, DefaultSampler
from mmengine.runner import Runner

from mpafer_plugin.datasets import ClassBalancedSampler
from tests.test_datasets.test_label_counts import labelled

LABELS = [0] * 20 + [1] * 3 + [2] * 8  # 31 = 3 x 10 + 1


@pytest.fixture
def sampler(monkeypatch):
    """Function that makes a sampler of one of several processes."""

    def make(labels=LABELS, rank=0, ranks=1, epoch=0, seed=5, **kwargs):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info', lambda: (rank, ranks)
        )
        made = ClassBalancedSampler(labelled(*labels), seed=seed, **kwargs)
        made.set_epoch(epoch)
        return made

    return make


def by_class(indices, labels=LABELS):
    return Counter(labels[i] for i in indices)


def test_each_class_has_its_exact_share(sampler):
    extra = Counter()
    alone = sampler()
    for epoch in range(60):
        alone.set_epoch(epoch)
        indices = list(alone)
        assert len(indices) == 31
        counts = by_class(indices)
        assert sorted(counts.values()) == [10, 10, 11]
        extra[max(counts, key=counts.get)] += 1
    # Which class has one more is drawn anew: 20 each, within 3 sigma.
    assert all(9 <= extra[c] <= 31 for c in range(3))


def test_rare_ones_as_often_as_the_hosts_wrapper_repeats_them(sampler):
    wrapper = ClassBalancedDataset(labelled(*LABELS), oversample_thr=0.25)
    wrapper.dataset.get_cat_ids = lambda i: [LABELS[i]]
    factors = wrapper._get_repeat_factors(wrapper.dataset, 0.25)
    assert factors[0] == factors[-1] == 1 < factors[20]
    part = sampler(oversample_thr=0.25)
    drawn = Counter()
    for epoch in range(60):
        part.set_epoch(epoch)
        counts = by_class(part)
        assert sum(counts.values()) == 31
        drawn += counts
    whole = sum(factors)
    for label in range(3):
        times = LABELS.count(label) * factors[LABELS.index(label)]
        expected = 31 * times / whole
        assert drawn[label] / 60 == pytest.approx(expected, abs=0.5)
    assert by_class(sampler(oversample_thr=1e-6)) == Counter(LABELS)


def test_a_number_that_divides(sampler):
    assert by_class(sampler(LABELS[1:]), LABELS[1:]) == {0: 10, 1: 10, 2: 10}


def test_images_of_a_class_take_turns(sampler):
    drawn = Counter()
    alone = sampler()
    for epoch in range(200):
        alone.set_epoch(epoch)
        counts = Counter(map(int, alone))
        for label in range(3):
            times = [counts[i] for i in range(31) if LABELS[i] == label]
            assert max(times) - min(times) <= 1
        drawn += counts
    # Over epochs alike: 1/3 of the samples over 20, 3 and 8 images.
    for i, label in enumerate(LABELS):
        expected = 200 * 31 / 3 / LABELS.count(label)
        assert drawn[i] == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize('ranks', [2, 3])
def test_processes_share_one_list(ranks, sampler):
    alone = list(sampler(epoch=4))
    parts = [list(sampler(LABELS, r, ranks, 4)) for r in range(ranks)]
    length = -(-31 // ranks)
    assert [len(part) for part in parts] == [length] * ranks
    together = [i for step in zip(*parts, strict=True) for i in step]
    assert together[:31] == alone
    assert together[31:] == alone[: length * ranks - 31]
    assert [i.entropy for i in together[:31]] == [i.entropy for i in alone]


def test_not_rounded_up(sampler):
    parts = [list(sampler(rank=r, ranks=2, round_up=False)) for r in (0, 1)]
    assert list(map(len, parts)) == [16, 15]
    assert Counter(parts[0] + parts[1]) == Counter(sampler())


def test_reshuffled_by_epoch_and_reproducible(sampler):
    first = list(sampler(epoch=1))
    assert list(sampler(epoch=1)) == first
    assert list(sampler(epoch=2)) != first
    assert list(sampler(seed=6, epoch=1)) != first
    assert set(sampler(epoch=2)) != set(first)  # other images of class 0
    one = sampler(epoch=1)
    assert list(one) == list(one)
    labels = [LABELS[i] for i in first]
    assert labels != sorted(labels)


def test_an_epoch_is_entered_in_its_midst(sampler):
    whole = list(sampler(epoch=3))
    part = sampler(epoch=3)
    part.skip(12)
    assert list(part) == whole[12:]
    assert list(part) == whole  # the next time


def test_no_two_draws_of_a_image_are_augmented_alike(sampler):
    indices = list(sampler(epoch=7))
    assert {i.entropy[:2] for i in indices} == {(5, 7)}
    assert len({(i, i.entropy) for i in indices}) == 31
    rounds = [i.entropy[2] for i in indices if LABELS[i] == 1]
    assert Counter(rounds)[0] == Counter(rounds)[2] == 3
    copy = pickle.loads(pickle.dumps(indices))
    assert [(i, i.entropy) for i in copy] == [(i, i.entropy) for i in indices]


def batches(cfg, workers):
    cfg.train_dataloader.update(
        num_workers=workers, collate_fn=dict(type='pseudo_collate')
    )
    cfg.train_dataloader.sampler.type = 'ClassBalancedSampler'
    cfg.train_dataloader.dataset.indices = list(range(9, 60))
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=7)
    return [torch.stack(batch['inputs']) for batch in loader]


def test_the_type_is_all_it_takes_in_a_config(load_config):
    cfg = load_config('mpafer_rafdb.py')
    alone, helped = batches(cfg, 0), batches(cfg, 2)
    assert len(alone) == len(helped) == 7  # 51 images by 8
    for a, b in zip(alone, helped, strict=True):
        assert torch.equal(a, b)
    images = torch.cat(alone).flatten(1)
    assert len(images.unique(dim=0)) == 51


def test_the_log_tells_what_it_does(sampler, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mpafer_plugin.datasets.samplers.class_balanced_sampler.MMLogger',
        type('Logger', (), dict(get_current_instance=logging.getLogger)),
    )
    monkeypatch.setattr(logging.getLogger(), 'info', lines.append)
    sampler()
    sampler(np.repeat([0, 1, 2], [2500, 200, 300]).tolist())
    assert lines == [
        'ClassBalancedSampler: an epoch draws about calm 10 of 20, cross 10 '
        'of 3, glad 10 of 8',
        'ClassBalancedSampler: an epoch draws about calm 1,000 of 2,500, '
        'cross 1,000 of 200, glad 1,000 of 300',
    ]


def test_errors(sampler):
    with pytest.raises(ValueError, match='shuffle=False: a ClassBalanced'):
        sampler(shuffle=False)
    with pytest.raises(ValueError, match=r"images of \['cross'\]: classes"):
        sampler([0, 2])
    with pytest.raises(ValueError, match=r'oversample_thr=1.5 is not in'):
        sampler(oversample_thr=1.5)


def test_the_hosts_sampler_would_not_do(sampler):
    # The control of the first test.
    indices = DefaultSampler(labelled(*LABELS), seed=5)
    assert by_class(indices) == {0: 20, 1: 3, 2: 8}
