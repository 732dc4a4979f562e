"""That nothing has become grossly slow: wide margins, for noisy machines.

docs/performance.md has the ratios that are aimed at and were measured.
"""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('benchmark')]


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """A tower of a B/16's shape, but half as wide and a third as deep."""
    folder = tmp_path_factory.mktemp('benchmark')
    config = {
        'embed_dim': 128,
        'quick_gelu': True,
        'vision_cfg': {
            'image_size': 224,
            'patch_size': 16,
            'width': 384,
            'layers': 4,
        },
        'text_cfg': {
            'context_length': 77,
            'vocab_size': 49408,
            'width': 128,
            'heads': 2,
            'layers': 4,
        },
    }
    arch = folder / 'small.json'
    arch.write_text(json.dumps(config))
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark.py')]
    command += ['--arch', str(arch), '--batch', '4', '--device', 'cpu']
    command += [
        '--variants',
        *'abcdeft',
        '--json',
        str(folder / 'results.json'),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=900)
    return json.loads((folder / 'results.json').read_text())


@pytest.mark.parametrize(
    ('ratio', 'limit'),
    [('b/a', 1.3), ('d/c', 0.95), ('d/e', 1.15), ('f/d', 1.7), ('t/d', 0.2)],
)
def test_time(results, ratio, limit):
    assert results['ratios'][ratio]['median'] < limit


def test_memory(results):
    assert results['ratios']['d/c']['memory'] < 0.85
    assert results['ratios']['f/d']['memory'] < 0.7


def test_report(results):
    assert results['rounds'] == 7 and results['batch'] == 4
    for variant in results['variants'].values():
        low, high = variant['quartiles']
        assert 0 < low <= variant['seconds'] <= high
        rate = results['batch'] / variant['seconds']
        assert variant['images_per_second'] == pytest.approx(rate)
