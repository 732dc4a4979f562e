"""A resumed run says so if it will not end as a whole one."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    ConcatDataset,
    DefaultSampler,
    RepeatDataset,
)
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mpafer_plugin.engine.checkpoints.exactness import inexact_settings

LOOP = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=20)


def test_one_warning(build_runner, capfd):
    build_runner().train()
    build_runner(resume=True, **{'train_cfg.max_epochs': 2}).train()
    out, err = capfd.readouterr()
    assert 'not bit for bit' not in out + err
    build_runner(train_cfg=LOOP, resume=True).train()
    out, err = capfd.readouterr()
    assert (out + err).count("not bit for bit: train_cfg.type='IterB") == 1


def test_a_file_without_optimizer(build_runner, capfd):
    runner = build_runner()
    runner.train()
    best = runner.message_hub.get_info('best_ckpt')
    capfd.readouterr()
    longer = {'train_cfg.max_epochs': 2}
    build_runner(resume=True, load_from=best, **longer).train()
    out, err = capfd.readouterr()
    assert 'not bit for bit: the file has no state of the optim' in out + err


@pytest.fixture
def resumes(build_runner):
    """Runner that resumes exactly."""
    runner = build_runner()
    loop = runner.build_train_loop(runner._train_loop)
    return SimpleNamespace(
        train_loop=loop,
        train_dataloader=SimpleNamespace(
            dataset=loop.dataloader.dataset, sampler=loop.dataloader.sampler
        ),
        model=runner.model,
        deterministic=False,
        optim_wrapper=runner.build_optim_wrapper(runner.optim_wrapper),
    )


def test_datasets(resumes):
    own = resumes.train_dataloader.dataset
    other = BaseDataset(metainfo=own.metainfo, lazy_init=True)
    for dataset, expected in (
        (RepeatDataset(own, 2), []),
        (ConcatDataset([own, own]), []),
        (ClassBalancedDataset(own, 0.1), ['ClassBalancedDataset']),
        (
            ConcatDataset([own, other, other], lazy_init=True),
            ['BaseDataset'],
        ),
    ):
        resumes.train_dataloader.dataset = dataset
        names = [text.split()[2] for text in inexact_settings(resumes)]
        assert names == expected


def test_samplers_and_optimizers(resumes):
    dataset = resumes.train_dataloader.dataset
    resumes.train_dataloader.sampler = DefaultSampler(dataset)
    parts = {
        name: OptimWrapper(
            torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 1.0),
            accumulative_counts=count,
        )
        for name, count in (('a', 1), ('b', 2))
    }
    resumes.optim_wrapper = OptimWrapperDict(**parts)
    sampler, gradients = inexact_settings(resumes)
    assert 'DefaultSampler' in sampler
    assert 'several optimizers' in gradients


def test_devices(resumes):
    resumes.model = torch.nn.Linear(1, 1, device='meta')
    (found,) = inexact_settings(resumes)
    assert "'meta'" in found and 'randomness.deterministic=True' in found
    resumes.deterministic = True
    assert not inexact_settings(resumes)
