"""A B/16 at batch 128 in bfloat16, on a GPU of an H100's generation."""

import statistics

import pytest
import torch

from tools.benchmarks.benchmark import build_steps, measure, peak_memory


@pytest.mark.gpu
def test_training_step(capsys):
    if torch.cuda.get_device_capability() != (9, 0):
        pytest.skip('the bounds are those of an H100 or H200')
    steps = build_steps('ViT-B-16-quickgelu', 128, 'cuda', 'bfloat16', 'cd')
    times = measure(steps, 3, 'cuda')
    c, d = (statistics.median(times[name]) for name in 'cd')
    with capsys.disabled():
        print(f'd: {1000 * d:.1f} ms, d/c: {d / c:.2f}')
    assert d <= 0.060
    assert peak_memory(steps['d'], 'cuda') < 30 * 1024
