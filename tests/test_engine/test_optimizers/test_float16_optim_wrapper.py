import pytest
import torch
from torch import nn

from mpafer_plugin.engine.optimizers import Float16OptimWrapper
from mpafer_plugin.engine.optimizers.float16_optim_wrapper import MOST_SKIPPED


@pytest.fixture
def wrapper(monkeypatch):
    """mmengine's own asks for a GPU, which its scaler does not need."""
    module = 'mmengine.optim.optimizer.amp_optimizer_wrapper'
    for name in ('is_cuda_available', 'is_npu_available'):
        monkeypatch.setattr(f'{module}.{name}', lambda: True, raising=False)
    model = nn.Linear(1, 1)
    wrapper = Float16OptimWrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1), dtype='float16'
    )
    wrapper.loss_scaler = torch.amp.GradScaler('cpu')
    return wrapper


def step(wrapper, value):
    parameter = wrapper.optimizer.param_groups[0]['params'][0]
    wrapper.update_params((parameter * value).sum())


def test_training_does_not_skip_for_ever(wrapper):
    for _ in range(MOST_SKIPPED - 1):
        step(wrapper, float('nan'))
    step(wrapper, 1.0)  # one good step, and the count begins anew
    for _ in range(MOST_SKIPPED - 1):
        step(wrapper, float('inf'))
    with pytest.raises(FloatingPointError, match=f'{MOST_SKIPPED} steps'):
        step(wrapper, float('nan'))
    weights = wrapper.optimizer.param_groups[0]['params']
    assert all(weight.isfinite().all() for weight in weights)
