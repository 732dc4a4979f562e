"""The benchmarks and a study, as one calls them."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.test_gpu.conftest import write_config

STUDY = """
title: one recipe
config: {config}
seeds: [0, 1]
recipes:
  mpafer: {{}}
"""


@pytest.fixture
def run(tiny_environment, tmp_path):
    """Function that runs a tool."""

    def run(tool, *args):
        found = subprocess.run(
            [sys.executable, str(ROOT / 'tools' / tool), *map(str, args)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert found.returncode == 0, found.stderr[-3000:]
        return found.stdout

    return run


def test_benchmark(run, tiny_arch, device, tmp_path):
    options = ['--arch', tiny_arch, '--batch', 4, '--device', device]
    options += ['--dtype', 'bfloat16', '--rounds', 3]
    if device == 'cpu':  # there each variant's memory takes a process
        options += ['--variants', 'd', 'e']
    else:
        assert 'variant a' in run('benchmark.py', *options, '--profile')
    run('benchmark.py', *options, '--json', 'found.json')
    found = json.loads((tmp_path / 'found.json').read_text())
    assert ('gpu' in found) == (device == 'cuda')
    for variant in found['variants'].values():
        assert variant['seconds'] > 0 and variant['matrix_share'] > 0
    assert found['variants']['d']['memory_mib'] > 0


def test_benchmark_training(run, device, tmp_path):
    config = write_config(tmp_path / 'config.py')
    run('benchmark_training.py', config, '--iters', 5, '--json', 'found.json')
    found = json.loads((tmp_path / 'found.json').read_text())
    assert found['images_per_second'] > 0
    assert sum(found['shares'].values()) == pytest.approx(1)


def test_benchmark_inference(run, tiny_arch, data_root, device):
    folder = data_root / 'rafdb' / 'basic' / 'Image' / 'aligned'
    options = ['--arch', tiny_arch, '--num', 20, '--device', device]
    assert json.loads(run('benchmark_inference.py', folder, *options))


def test_two_runs_of_a_study_share_a_gpu(run, device, tmp_path):
    config = write_config(tmp_path / 'config.py')
    study = tmp_path / 'one.yaml'
    study.write_text(STUDY.format(config=config))
    run('study.py', study, '--jobs', 2)
    results = list(tmp_path.rglob('result.json'))
    assert len(results) == 2
    for result in results:
        assert json.loads(result.read_text())['memory_mib'] > 0
