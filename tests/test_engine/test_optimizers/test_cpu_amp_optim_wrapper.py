import pytest
import torch
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


def wrapper_of(model):
    return OPTIM_WRAPPERS.build(
        dict(
            type='CPUAmpOptimWrapper',
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        )
    )


def test_computes_in_bfloat16_and_keeps_weights_in_float32():
    model = nn.Linear(4, 2)
    wrapper = wrapper_of(model)
    before = model.weight.clone()
    with wrapper.optim_context(model):
        out = model(torch.ones(3, 4))
    assert out.dtype == torch.bfloat16
    assert model(torch.ones(3, 4)).dtype == torch.float32  # only inside
    wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32
    torch.testing.assert_close(model.weight, before - 0.3)


def test_losses_are_those_of_full_precision(build_runner):
    """Within what bfloat16's 8 bits of the towers allow."""
    results = []
    for kind in ('OptimWrapper', 'CPUAmpOptimWrapper'):
        runner = build_runner(**{'optim_wrapper.type': kind})
        torch.manual_seed(0)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.call_hook('before_train')
        batch = next(iter(runner.train_dataloader))
        results.append(runner.model.train_step(batch, runner.optim_wrapper))
    full, mixed = results
    assert list(full) == list(mixed)
    for name, value in full.items():
        assert mixed[name].dtype == torch.float32
        assert mixed[name].item() == pytest.approx(value.item(), rel=0.05)
    assert mixed['loss'] != full['loss']  # it was not the same computation
