"""The tool for a GPU, on the CPU."""

import sys

import pytest
import torch

from tools.benchmarks import on_gpu
from tools.benchmarks.benchmark import build_steps
from tools.benchmarks.operations import count_operations
from tools.benchmarks.variants import VARIANTS

PAGE = """# Page

<!-- gpu -->

old

<!-- end of gpu -->

The rest.
"""


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_steps(tiny_arch, dtype):
    steps = build_steps(tiny_arch, 2, 'cpu', dtype, VARIANTS)
    for name, step in steps.items():
        step()
        assert count_operations(step) > 0, name


def test_operations_of_a_product():
    a = torch.randn(3, 4, requires_grad=True)
    b = torch.randn(4, 5)
    assert count_operations(lambda: (a @ b).sum().backward()) == 2 * 2 * 60


def test_backward_is_outside_autocast(tiny_arch, monkeypatch):
    """Under it the head's products would be bfloat16, unlike in training."""
    (step,) = build_steps(tiny_arch, 2, 'cpu', 'bfloat16', 'd').values()
    backward, seen = torch.Tensor.backward, []

    def look(*args, **kwargs):
        seen.append(torch.is_autocast_enabled('cpu'))
        backward(*args, **kwargs)

    monkeypatch.setattr(torch.Tensor, 'backward', look)
    step()
    assert seen == [False]


@pytest.fixture
def fill(tiny_arch, tmp_path, monkeypatch):
    """Function that runs the tool on a page."""

    def fill(*args):
        page = tmp_path / 'page.md'
        page.write_text(PAGE)
        options = ['--archs', tiny_arch, '--batches', '2', '--device', 'cpu']
        options += ['--docs', str(page), '--rounds', '3', *args]
        monkeypatch.setattr(sys, 'argv', ['benchmark_gpu.py', *options])
        on_gpu.main()
        return page.read_text()

    return fill


def test_tables(fill, monkeypatch):
    cells = ['900', '1.0 %', '2000', '7.0 min']
    monkeypatch.setattr(on_gpu, 'measure_training', lambda *args: cells)
    page = fill()
    assert page.startswith('# Page\n\n<!-- gpu -->\n\nCPU, torch ')
    assert page.endswith('|\n\n<!-- end of gpu -->\n\nThe rest.\n')
    assert '| tiny | 2 | 900 | 1.0 % | 2000 | 7.0 min |' in page
    (row,) = (
        line for line in page.splitlines() if '%' in line and '1.0' not in line
    )
    assert row.startswith('| tiny | 2 | ') and row.count('|') == 8


def test_no_memory_is_a_cell(fill, monkeypatch):
    def build_steps(*args):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(on_gpu, 'build_steps', build_steps)
    monkeypatch.setattr(on_gpu, 'measure_training', lambda *args: ['-'] * 4)
    assert '| tiny | 2 | out of memory | - |' in fill()


def test_a_page_without_marks(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('text')
    with pytest.raises(SystemExit, match=r"page\.md' has no lines"):
        on_gpu.insert(page, '')
    assert page.read_text() == 'text'


@pytest.mark.slow
def test_training(fill):
    assert ' min |' in fill()
