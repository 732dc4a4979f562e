import sys

import pytest
import torch

from mpafer_plugin.cli.study.run import PeakMemory


def test_the_peak_of_a_gpu_is_that_of_the_whole_run(monkeypatch):
    """mmengine resets torch's own peak when it logs it."""
    mib = 2**20
    peaks = iter([5, 9 * mib, 3] + 7 * [2] + [4])  # iterations, tests
    memory = PeakMemory()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(
        torch.cuda, 'max_memory_allocated', lambda: next(peaks)
    )
    for _ in range(10):
        memory.after_train_iter(None, 0)
    assert memory.mib() == 9
    assert next(peaks, None) is None


def test_it_looks_before_the_log(build_runner):
    runner, memory = build_runner(), PeakMemory()
    runner.register_hook(memory)
    names = [type(hook).__name__ for hook in runner.hooks]
    assert names.index('PeakMemory') < names.index('LoggerHook')


@pytest.mark.skipif(sys.platform == 'win32', reason='needs getrusage')
def test_without_a_gpu_it_is_that_of_the_process():
    assert 50 < PeakMemory().mib() < 50_000
