"""What needs one process; tests/test_tools/test_dist.py starts several."""

import os
import subprocess
import sys

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


def test_the_group_is_left_at_the_end():
    """Else threads of gloo may abort the process, which was seen."""
    script = (
        'import atexit, torch.distributed as dist\n'
        'atexit.register(lambda: print("joined", dist.is_initialized()))\n'
        'from mpafer_plugin.engine import join_process_group\n'
        'join_process_group("pytorch")\n'
        'assert dist.is_initialized()\n'
    )
    environment = os.environ | dict(
        RANK='0',
        WORLD_SIZE='1',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT='0',
    )
    result = subprocess.run(
        [sys.executable, '-c', script],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == 'joined False'
