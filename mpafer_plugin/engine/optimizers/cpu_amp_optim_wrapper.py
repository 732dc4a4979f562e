from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Mixed precision on the CPU: bfloat16, without a loss scale.

    mmengine's AmpOptimWrapper (0.10.7) demands a GPU. bfloat16 has the range
    of float32, so the loss needs no scale. Without matrix units for it (AMX,
    AVX512-BF16) it is slower than full precision.

    Args:
        **kwargs: See :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Let the forward pass of ``model`` choose bfloat16."""
        with (
            super().optim_context(model),
            torch.autocast('cpu', torch.bfloat16),
        ):
            yield
