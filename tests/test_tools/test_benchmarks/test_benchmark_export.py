import json
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_all_variants_of_a_tiny_tower(tiny_arch, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarks.benchmark_export import main

    args = ['--arch', tiny_arch, '--batch', '2', '--rounds', '1']
    monkeypatch.setattr(sys, 'argv', ['benchmark_export.py', *args])
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    names = {f'onnxruntime {x}' for x in found['megabytes']}
    names |= {'torch float32', 'torch bfloat16'}
    times = found['ms per image, batch 2']
    assert times.keys() == names and min(times.values()) > 0
