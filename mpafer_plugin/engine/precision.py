from contextlib import AbstractContextManager, nullcontext

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from .distributed import unwrap_model


def training_context(runner: Runner) -> AbstractContextManager:
    """Return the context of a runner's forward pass in training."""
    if isinstance(runner.optim_wrapper, OptimWrapper):
        return runner.optim_wrapper.optim_context(unwrap_model(runner.model))
    return nullcontext()  # it does not train, or by several optimizers


def training_dtype(runner: Runner) -> str:
    """Return the dtype of a runner's forward pass in training, by name."""
    device = next(unwrap_model(runner.model).parameters()).device.type
    dtype = torch.float32
    with training_context(runner):
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
    return str(dtype).removeprefix('torch.')
