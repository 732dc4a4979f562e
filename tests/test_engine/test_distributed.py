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


SCRIPT = """
import atexit, glob
import torch

def threads():
    files = glob.glob('/proc/self/task/*/comm')
    return [name for f in files if 'gloo' in (name := open(f).read())]

atexit.register(lambda: print('left', threads()))  # the last to run
from mpafer_plugin.engine import FERDistributedDataParallel, join_process_group
join_process_group('pytorch')

class Model(torch.nn.Linear):  # held in a ring, as a runner holds its model
    pass

model = FERDistributedDataParallel(Model(2, 2))
model.ring = [model]
model(torch.ones(1, 2)).sum().backward()
del model
assert threads()
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='looks into /proc')
@pytest.mark.skipif(
    torch.__version__ < (2, 15), reason='2.10 does not name the threads'
)
def test_no_thread_of_gloo_is_left_at_the_end():
    """One that was left aborted the process now and then."""
    environment = os.environ | dict(
        RANK='0',
        WORLD_SIZE='1',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT='0',
    )
    result = subprocess.run(
        [sys.executable, '-c', SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == 'left []'


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
def test_the_group_of_any_launcher_is_ended(launcher, monkeypatch):
    registered = []
    monkeypatch.setattr('atexit.register', registered.append)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    join_process_group('none')
    assert not registered
    join_process_group(launcher)
    (leave,) = registered
    monkeypatch.setattr(torch.distributed, 'is_initialized', lambda: True)
    ended = []
    monkeypatch.setattr(
        torch.distributed, 'destroy_process_group', lambda: ended.append(1)
    )
    leave()
    assert ended == [1]
