"""What processes say when they cannot share an epoch of training."""

import pytest
import torch
import torch.distributed as dist
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from mpafer_plugin.apis import build_model
from mpafer_plugin.engine import dataloader_checks as batch_shares
from mpafer_plugin.engine.dataloader_checks import (
    check_batch_shares,
    check_normalization,
    sampler_of,
)


class Stream(IterableDataset):
    """Data that has no length."""

    def __iter__(self):
        return iter(range(9))


def loader(images=9, batch_size=4, round_up=True, **kwargs):
    images = range(images)
    sampler = DefaultSampler(images, seed=0, round_up=round_up)
    return DataLoader(images, batch_size, sampler=sampler, **kwargs)


@pytest.fixture
def others(monkeypatch):
    """Function that says how many batches another process has."""

    def say(batches):
        monkeypatch.setattr(
            batch_shares, 'all_gather_object', lambda own: [own, batches]
        )
        monkeypatch.setattr(batch_shares, 'get_world_size', lambda: 2)

    return say


def test_what_can_be_shared(others):
    check_batch_shares(loader())
    check_batch_shares(loader(images=4, drop_last=True))
    check_batch_shares(DataLoader(Stream(), 4))  # alone, without a length
    others(3)
    check_batch_shares(loader())
    others(2)
    check_batch_shares(loader(), endless=True)


def test_images_not_normalised_as_the_weights_need_it(recwarn):
    model = build_model(
        ['fear', 'anger'], 'face-tiny', 'face-tiny', text=dict(granularity=2)
    )
    check_normalization(model)
    assert not recwarn
    model.data_preprocessor.mean.add_(1)
    with pytest.warns(UserWarning, match='data_preprocessor.mean'):
        check_normalization(model)
    check_normalization(torch.nn.Linear(2, 2))


def test_no_batch():
    message = (
        r'no training batch for each process: \[0\] batches per epoch \(3 '
        r'images, 1 process\(es\), batch_size=4 each, drop_last=True, '
        r'DefaultSampler with round_up=True\). Lower train_dataloader.batch_si'
    )
    for endless in (False, True):
        with pytest.raises(ValueError, match=message):
            check_batch_shares(loader(3, drop_last=True), endless)


def test_different_numbers(others):
    others(2)
    message = (
        r'the processes have \[3, 2\] training batches .* \(9 '
        r'images, 2 process\(es\), batch_size=4 each, drop_last=False, '
        r'DefaultSampler with round_up=False\). Set train_dataloader.sampler.r'
    )
    with pytest.raises(ValueError, match=message):
        check_batch_shares(loader(round_up=False))


def test_the_sampler_behind_a_batch_sampler():
    sampler = InfiniteSampler(range(9), seed=0)
    batches = BatchSampler(sampler, 4, False)
    assert sampler_of(DataLoader(range(9), batch_sampler=batches)) is sampler


def work(rank: int, store: str, round_up: bool) -> None:
    dist.init_process_group(
        'gloo', init_method=f'file://{store}', rank=rank, world_size=2
    )
    shared = loader(images=17, batch_size=8, round_up=round_up)
    if round_up:
        check_batch_shares(shared)
    else:
        with pytest.raises(ValueError, match=r'processes have \[2, 1\] train'):
            check_batch_shares(shared)
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize('round_up', [True, False])
def test_two_processes(round_up, tmp_path):
    torch.multiprocessing.spawn(
        work, (str(tmp_path / 'store'), round_up), nprocs=2
    )
