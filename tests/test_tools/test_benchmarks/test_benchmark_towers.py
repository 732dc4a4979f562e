import json
import sys

import pytest

from tools.benchmarks.benchmark_towers import main


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['benchmark_towers.py', *args])
    main()


def test_list(monkeypatch, capsys):
    run(monkeypatch, '--list', 'RN50', 'ViT-B-32', 'ViT-B-16-SigLIP2')
    _, resnet, plain, siglip, total = capsys.readouterr().out.splitlines()
    assert 'no: its image tower is a ResNet' in resnet
    assert 'ViT-B-16-quickgelu' in resnet  # the nearest
    assert plain.startswith('ViT-B-32') and plain.endswith(' yes')
    assert 'ViT-B-16-SigLIP2 of the hub' in siglip
    assert total.startswith('2 of 3 architectures and ')
    with pytest.raises(SystemExit, match="'ViT-Z'"):
        run(monkeypatch, 'ViT-Z')


@pytest.mark.slow
def test_measured(monkeypatch, tmp_path):
    file = tmp_path / 'rows.json'
    args = 'ViT-S-32-alt', 'ViT-B-32', '--max-megabytes', '200'
    run(monkeypatch, *args, '--rounds', '1', '--json', str(file))
    row, large = json.loads(file.read_text())
    # 8 prompts in 12 layers of 384 channels, context of 10 of 256
    assert row['trainable'] == 8 * 12 * 384 + 10 * 256
    for name in ('image', 'prompted', 'text'):
        assert row[name] < 1e-5
    assert row['effect'] > 1e-3
    assert row['step'] > 0 and row['ratio'] > 0
    assert large['image'] is None and large['megabytes'] > 200
