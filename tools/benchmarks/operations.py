"""Floating-point operations: those of a step, and what a device can do."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .clock import Clock


class Counter(TorchDispatchMode):
    """Counter of the operations of matrix products and convolutions.

    torch's own FlopCounterMode (2.15) fails where prompts have no gradient.
    """

    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def count_operations(step: Callable[[], object]) -> int:
    """Count the floating-point operations of a step in matrix products."""
    with Counter() as counter:
        step()
    return counter.total


def matrix_rate(device: str, dtype: torch.dtype) -> float:
    """Measure the floating-point operations per second of a large product."""
    clock = Clock(device)
    size = 8192 if clock.on_gpu else 1024
    a = torch.randn(size, size, device=device).to(dtype)
    clock.warm_up(lambda: a @ a)
    seconds = min(clock.seconds(lambda: a @ a) for _ in range(5))
    return 2 * size**3 / seconds
