import os
import subprocess
import sys

import cv2
import pytest
from safetensors.torch import load_file

from mpafer_plugin.clip import load_clip
from mpafer_plugin.datasets import FERPlus
from tests import small_data
from tests.conftest import ROOT

TOOL = 'tools.pretraining.pretrain_face_mini'


@pytest.fixture
def run(tmp_path):
    small_data.ferplus(tmp_path)
    images = sorted((tmp_path / 'ferplus').rglob('*.png'))
    rows = [f'{path.name},{i % 7}' for i, path in enumerate(images)]
    labels = tmp_path / 'labels.csv'
    labels.write_text('\n'.join(['image,fer2013_label', *rows]) + '\n')

    def run(*args):
        return subprocess.run(
            [sys.executable, '-m', TOOL, 'ferplus', 'labels.csv', *args],
            cwd=tmp_path,
            env=os.environ | dict(PYTHONPATH=str(ROOT)),
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.slow
def test_makes_weights_and_what_to_leave_out(run, tmp_path):
    leak = cv2.imread(str(next(tmp_path.glob('ferplus/FER2013Test/*'))), 0)
    (first, *_) = sorted(tmp_path.glob('ferplus/FER2013Train/*.png'))
    cv2.imwrite(str(first), leak)
    done = run('--out', 'mini', '--epochs', '2', '--batch-size', '8')
    assert done.returncode == 0, done.stderr
    assert 'in neither: 1' in done.stdout
    weights = load_file(tmp_path / 'mini' / 'face-mini.safetensors')
    tiny = load_clip('face-tiny', 'face-tiny').state_dict()
    moved = (
        weights['visual.conv1.weight'].float() - tiny['visual.conv1.weight']
    )
    assert 0 < moved.abs().max() < 1
    load_clip('face-tiny', str(tmp_path / 'mini' / 'face-mini.safetensors'))

    listed = (tmp_path / 'mini' / 'leave_out.txt').read_text().splitlines()
    assert f'FER2013Train/{first.name}' in listed
    images = [line for line in listed if not line.startswith('#')]
    rest = FERPlus(
        str(tmp_path / 'ferplus'),
        leave_out=str(tmp_path / 'mini' / 'leave_out.txt'),
    )
    assert len(rest) == 32 - len(images)


def test_a_wrong_label(run, tmp_path):
    with (tmp_path / 'labels.csv').open('a') as file:
        file.write('x.png,7\n')
    done = run('--out', 'mini')
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert (
        "labels.csv:98: fer2013_label='7' is not one of 0 to 6" in done.stderr
    )


@pytest.mark.slow
def test_images_without_a_label(run, tmp_path):
    path = tmp_path / 'labels.csv'
    path.write_text(path.read_text().replace('.png', ''))
    done = run('--out', 'mini')
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert 'labels.csv: no row for' in done.stderr
    assert not (tmp_path / 'mini').exists()


@pytest.mark.slow
def test_numbers_that_are_none(run):
    done = run('--out', 'mini', '--epochs', '0')
    assert done.returncode == 2
    assert '--epochs 0 is not positive' in done.stderr
    done = run('--out', 'mini', '--batch-size', '1000')
    assert done.returncode == 1
    assert '--batch-size 1000 exceeds the ' in done.stderr
