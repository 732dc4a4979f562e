import time
from collections.abc import Callable

import torch


class Clock:
    """Stopwatch of a device, for whose work it waits.

    On a GPU several steps are timed together, so that launching the kernels
    of one overlaps with the work of the one before, as in training.

    Args:
        device (str): Such as 'cpu' or 'cuda:1'.
    """

    def __init__(self, device: str):
        self.device = torch.device(device)
        self.on_gpu = self.device.type == 'cuda'
        self.warm_ups, self.steps = (5, 10) if self.on_gpu else (1, 1)

    def now(self) -> float:
        """Return the time in seconds when the device has done its work."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def warm_up(self, step: Callable[[], object]) -> None:
        """Run a step untimed: the first ones choose kernels and memory."""
        for _ in range(self.warm_ups):
            step()

    def seconds(self, step: Callable[[], object]) -> float:
        """Measure the seconds of one step."""
        start = self.now()
        for _ in range(self.steps):
            step()
        return (self.now() - start) / self.steps
