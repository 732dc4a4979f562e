from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Optimizer wrapper for mixed precision (bfloat16) on the CPU.

    mmengine's AmpOptimWrapper (0.10.7) requires a GPU. bfloat16 has the range
    of float32, so the loss needs no scale. ``--amp`` finds out whether it is
    faster on the machine.

    Args:
        **kwargs: See :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Run the forward pass of ``model`` under bfloat16 autocast."""
        with (
            super().optim_context(model),
            torch.autocast('cpu', torch.bfloat16),
        ):
            yield
