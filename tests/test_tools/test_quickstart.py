import json
import re
import subprocess
import sys

import cv2
import pytest
import torch

from tests.conftest import ROOT


@pytest.mark.slow
def test_quickstart_reaches_what_readme_says(tmp_path):
    """As `make quickstart` runs it, but shorter, in an empty folder."""
    tool = str(ROOT / 'tools' / 'quickstart.py')
    result = subprocess.run(
        [sys.executable, tool, '--epochs', '8'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    folder = tmp_path / 'work_dirs' / 'quickstart'
    metrics = json.loads((folder / 'test.json').read_text())
    zero_shot = json.loads((folder / 'zero_shot.json').read_text())
    best = max(
        kind['accuracy']
        for kinds in zero_shot.values()
        for kind in kinds.values()
    )
    assert 75 <= metrics['fer/accuracy'] <= 95
    assert metrics['fer/accuracy'] - best >= 15

    table = (folder / 'per_class.csv').read_text().splitlines()
    assert len(table) == 8
    assert cv2.imread(str(folder / 'confusion_matrix.png')).std() > 20
    (checkpoint,) = folder.glob('best_*.pth')
    assert len(torch.load(checkpoint)['mpafer']['classes']) == 7

    last_lines = result.stdout[result.stdout.rindex('Results') :]
    assert f'{metrics["fer/accuracy"]:.2f} %' in last_lines
    assert f'{best:.2f} %' in last_lines
    assert 'Next:' in last_lines
    epochs = re.findall(r'Epoch\(val\) \[(\d+)\]', result.stdout)
    assert len(epochs) >= 5  # progress is shown
