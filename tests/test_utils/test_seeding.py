import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.runner import Runner

from mpafer_plugin.utils.seeding import (
    SeededIndex,
    isolated_rng,
    seed_generators,
)


def test_an_index_survives_dataset_wrappers(load_config):
    cfg = load_config('mpafer_rafdb.py')
    dataset = Runner.build_dataloader(cfg.train_dataloader).dataset
    length = len(dataset)
    for wrapped in (
        RepeatDataset(dataset, 2),
        ConcatDataset([dataset, dataset]),
    ):
        first, second, again = (
            wrapped[SeededIndex(index, (7, 1))]['inputs']
            for index in (3, length + 3, length + 3)
        )
        assert torch.equal(second, again)
        # The same image, augmented in another way.
        assert not torch.equal(first, second)


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_an_index_is_an_int_that_travels():
    index = SeededIndex(5, (1, 2))
    assert index == 5 and [*range(9)][index] == 5
    copy = pickle.loads(pickle.dumps(index))
    assert (copy, copy.entropy) == (5, (1, 2))


def test_streams_are_independent():
    seed_generators(0)
    expected = draws()
    seed_generators(0)
    with isolated_rng(3, 1):
        inside = draws()
        draws()
    assert draws() == expected  # not advanced by the block
    with isolated_rng(3, 1):
        assert draws() == inside
    with isolated_rng(1, 3):
        assert draws() != inside


def test_streams_are_those_of_earlier_versions():
    with isolated_rng(1, 2, 9):
        assert draws() == (
            0.8739206227550164,
            0.13672500436653512,
            0.8296663165092468,
        )


def test_a_stream_within_a_stream():
    with isolated_rng(3, 1):
        expected = [draws(), draws()]
    with isolated_rng(3, 1):
        first = draws()
        with isolated_rng(4):
            draws()
        assert [first, draws()] == expected


def test_the_generators_of_a_gpu_are_left_alone(monkeypatch):
    monkeypatch.setattr('torch.cuda.manual_seed_all', None)
    with isolated_rng(3, 1):
        draws()
    with pytest.raises(TypeError), isolated_rng(3, 1):
        seed_generators(0)


def test_a_seed_that_numpy_refuses():
    before = np.random.get_bit_generator()
    with pytest.raises(ValueError, match='non-negative'), isolated_rng(-1):
        pass
    assert np.random.get_bit_generator() is before


def test_states_are_restored_after_an_error():
    seed_generators(0)
    expected = draws()
    seed_generators(0)
    with pytest.raises(KeyError), isolated_rng(3, 1):
        raise KeyError
    assert draws() == expected


def batches(cfg, epoch, skip=0):
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=7)
    loader.sampler.set_epoch(epoch)
    loader.sampler.skip(skip)
    return [torch.stack(batch['inputs']) for batch in loader]


def test_batches_do_not_depend_on_workers(load_config):
    cfg = load_config('mpafer_rafdb.py')
    cfg.train_dataloader.collate_fn = dict(type='pseudo_collate')
    expected = batches(cfg, 3)
    cfg.train_dataloader.update(num_workers=2)
    for persistent in (False, True):
        cfg.train_dataloader.update(persistent_workers=persistent)
        torch.manual_seed(persistent)  # the state outside does not matter
        found = batches(cfg, 3)
        assert len(found) == len(expected) == 10
        for a, b in zip(found, expected, strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(batches(cfg, 4)[0], expected[0])


def test_an_epoch_resumes_in_the_middle(load_config):
    cfg = load_config('mpafer_rafdb.py')
    cfg.train_dataloader.collate_fn = dict(type='pseudo_collate')
    expected = batches(cfg, 3)
    rest = batches(cfg, 3, skip=8 * 6)
    assert len(rest) == 4
    for a, b in zip(rest, expected[6:], strict=True):
        assert torch.equal(a, b)


def test_the_same_image_is_augmented_anew_each_epoch(load_config):
    cfg = load_config('mpafer_rafdb.py')
    dataset = Runner.build_dataloader(cfg.train_dataloader).dataset
    first, again, later, other = (
        dataset[SeededIndex(index, entropy)]['inputs']
        for index, entropy in (
            (0, (7, 1)),
            (0, (7, 1)),
            (0, (7, 2)),
            (0, (8, 1)),
        )
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, other)
