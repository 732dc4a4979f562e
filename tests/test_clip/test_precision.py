import pytest
import torch

from mpafer_plugin.clip import precision
from mpafer_plugin.clip.precision import (
    cast_towers,
    choose_dtype,
    faster_dtype,
    time_blocks,
)
from mpafer_plugin.models import PromptedCLIPViT
from tests.test_datasets.conftest import log  # noqa: F401


@pytest.fixture
def times(monkeypatch):
    """Function that sets the times of a block in float32 and bfloat16."""
    faster_dtype.cache_clear()
    calls = []

    def set_times(*seconds):
        def time(*args):
            calls.append(args)
            return seconds

        monkeypatch.setattr(precision, 'time_blocks', time)
        return calls

    yield set_times
    faster_dtype.cache_clear()


@pytest.mark.parametrize(
    'half, expected', [(1.0, torch.bfloat16), (3.0, torch.float32)]
)
def test_what_is_clearly_faster_is_taken(times, log, half, expected):  # noqa: F811
    calls = times(4.0, half)
    for _ in range(2):
        assert choose_dtype('auto', 'cpu', 'ViT-B-32') == expected
    assert calls == [('ViT-B-32', False)]  # timed once
    assert f'dtype {expected}: '.replace('torch.', '') in log.text
    assert f'{half / 4:.2f} of its float32 time in inference' in log.text
    assert choose_dtype('auto', 'cpu', None, training=True) == expected
    assert calls[1:] == [('ViT-B-16', True)]


def test_a_tiny_tower_is_not_timed(times, log):  # noqa: F811
    calls = times(4.0, 1.0)
    assert choose_dtype('auto', 'cpu', 'face-tiny') == torch.float32
    assert not calls and 'face-tiny' in log.text


def test_a_tower_of_timm_is_timed_as_a_b16(times, log):  # noqa: F811
    calls = times(4.0, 1.0)
    assert choose_dtype('auto', 'cpu', 'PE-Core-B-16') == torch.bfloat16
    assert calls == [('ViT-B-16', False)] and 'ViT-B-16' in log.text


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16', 'float16'])
def test_a_dtype_by_name_is_not_timed(times, log, dtype):  # noqa: F811
    calls = times(1.0, 9.0)
    assert choose_dtype(dtype, 'cpu', None) == getattr(torch, dtype)
    assert not calls
    assert f'dtype {dtype}: as requested' in log.text


def test_other_names():
    with pytest.raises(ValueError, match=r"dtype='half' is not one of .*auto"):
        choose_dtype('half', 'cpu', None)


@pytest.mark.parametrize(
    'supported, expected', [(True, torch.bfloat16), (False, torch.float16)]
)
def test_gpus(monkeypatch, supported, expected):
    faster_dtype.cache_clear()
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda including_emulation: supported
    )
    assert choose_dtype('auto', 'cuda', None) == expected
    assert choose_dtype('auto', 'mps', None) == torch.float32
    faster_dtype.cache_clear()


def test_timing_leaves_no_trace(tiny_arch):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    for training in (False, True):
        assert all(0 < t < 1 for t in time_blocks(tiny_arch, training))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_only_towers_without_trainable_weights_are_cast(tiny):
    frozen, tuned = PromptedCLIPViT(**tiny), PromptedCLIPViT(**tiny)
    tuned.tower.blocks[0].mlp.c_fc.bias.requires_grad_()
    whole = PromptedCLIPViT(**tiny, frozen=False)
    cast_towers(torch.nn.ModuleList([frozen, tuned, whole]), torch.bfloat16)
    assert frozen.tower.dtype == torch.bfloat16
    assert tuned.tower.dtype == whole.tower.dtype == torch.float32
    assert frozen.prompts.dtype == torch.float32
