"""What needs one process; tests/test_tools/test_dist.py starts several."""

import pytest
import torch

from mpafer_plugin.engine import join_process_group


def test_one_process_joins_nothing():
    join_process_group('none')
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_other_launchers_need_a_gpu(launcher, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    with pytest.raises(ValueError, match=f"'{launcher}' needs GPUs"):
        join_process_group(launcher)


def test_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '3')
    with pytest.raises(ValueError, match=r'3 processes .* has 2 GPUs'):
        join_process_group('pytorch')
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    join_process_group('pytorch')  # left to mmengine
    assert not torch.distributed.is_initialized()
