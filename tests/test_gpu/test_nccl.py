"""One process started by torchrun, with nccl on a GPU, gloo on a CPU."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.test_gpu.conftest import scalars, write_config


@pytest.fixture
def run(tiny_environment, tmp_path):
    """Function that runs a tool on a config without chance."""
    write_config(
        tmp_path / 'config.py',
        **{'train_dataloader.num_workers': 0, 'randomness.seed': 1},
    )

    def run(tool, *args):
        program = sys.executable if tool.endswith('.py') else 'bash'
        return subprocess.run(
            [program, str(ROOT / 'tools' / tool), *map(str, args)],
            cwd=tmp_path,
            env=os.environ | dict(PYTHON=sys.executable),
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_one_process_trains_as_without_torchrun(run, device, tmp_path):
    train = ['config.py', '--work-dir', 'alone']
    assert run('train.py', *train).returncode == 0
    result = run('dist_train.sh', 'config.py', 1, '--work-dir', 'dist')
    assert result.returncode == 0, result.stderr[-3000:]
    alone, dist = (scalars(tmp_path / name) for name in ('alone', 'dist'))
    assert dist == pytest.approx(alone, rel=1e-5)
    metrics = []
    for tool, number in ('test.py', []), ('dist_test.sh', [1]):
        args = ['config.py', 'alone/epoch_2.pth', *number]
        args += ['--out', f'{tool}.json', '--out-item', 'metrics']
        result = run(tool, *args)
        assert result.returncode == 0, result.stderr[-3000:]
        metrics.append(json.loads((tmp_path / f'{tool}.json').read_text()))
    assert metrics[0] == metrics[1]


@pytest.mark.gpu
def test_more_processes_than_gpus(run):
    import torch

    number = torch.cuda.device_count() + 1
    result = run('dist_train.sh', 'config.py', number)
    assert result.returncode
    assert f'{number} processes were started' in result.stderr + result.stdout
