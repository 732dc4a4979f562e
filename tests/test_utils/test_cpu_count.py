import os

import pytest
from mmengine.config import Config

from mpafer_plugin.utils import cpu_count as cpu_count_module
from mpafer_plugin.utils.cpu_count import cpu_count, loader_workers
from tests.conftest import CONFIGS


def test_cpus_of_the_affinity(monkeypatch):
    monkeypatch.setattr(
        os, 'sched_getaffinity', lambda pid: {0, 1, 5}, raising=False
    )
    monkeypatch.setattr(os, 'cpu_count', lambda: 64)
    assert cpu_count() == 3


def test_all_cpus_without_an_affinity(monkeypatch):
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: 8)
    assert cpu_count() == 8
    monkeypatch.setattr(os, 'cpu_count', lambda: None)
    assert cpu_count() == 1


@pytest.mark.parametrize(
    'cpus, processes, workers',
    [(1, 1, 2), (2, 1, 2), (6, 1, 6), (64, 1, 8), (16, 4, 4), (16, 16, 2)],
)
def test_workers_share_the_cpus(
    cpus, processes, workers, load_config, monkeypatch
):
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    monkeypatch.setattr(cpu_count_module, 'cpu_count', lambda: cpus)
    assert loader_workers() == workers
    load_config('mpafer_rafdb.py')  # for its environment
    cfg = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].num_workers == workers
