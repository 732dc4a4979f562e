import pytest

from mpafer_plugin.doctor import environment as inspected
from mpafer_plugin.doctor import notes, run
from mpafer_plugin.doctor.notes import NOTES
from mpafer_plugin.doctor.report import MODULES, Trial
from tests.test_doctor.test_report import (
    BOTH_TORCHES,
    PIP,
    environment,
    findings,
)


@pytest.mark.parametrize(
    'fields, what, why, line',
    [
        (dict(), 'torch 2.15.0', 'Weights only load failed', ''),
        (
            dict(changed={'setuptools': '82.0.0'}),
            'setuptools 82.0.0',
            'no pkg_resources',
            f'{PIP} install "setuptools<82"',
        ),
        (
            dict(changed={'opencv-python': '5.0.0.93'}),
            'opencv-python 5.0.0.93',
            'no Haar cascades',
            '',
        ),
        (
            dict(changed={'scikit-learn': '1.7'}),
            'scikit-learn 1.7',
            'vis_tsne.py',
            f'{PIP} install "scikit-learn<1.7"',
        ),
        (
            dict(changed={'grad-cam': '1.5.5'}),
            'grad-cam 1.5.5',
            'vis_cam.py',
            f'{PIP} install "grad-cam<1.5"',
        ),
        (
            dict(changed={'matplotlib': '3.11.2'}),
            'matplotlib 3.11.2',
            'browse_dataset.py',
            f'{PIP} install "matplotlib<3.11"',
        ),
        (dict(gpus=()), 'No GPU visible (nvidia-smi', 'use gloo', ''),
        (
            dict(variables={'CUDA_VISIBLE_DEVICES': ''}),
            'No GPU visible (CUDA_VISIBLE_DEVICES hides it)',
            '--amp is bfloat16',
            '',
        ),
        (
            dict(cuda='None', vision='+cpu'),
            'NVIDIA H200, but torch is built for the CPU only',
            'on the CPU',
            BOTH_TORCHES,
        ),
        (
            dict(changed={'mmengine': None, 'onedl-mmengine': '0.10.12'}),
            'Only mmengine of the host is the fork',
            'untested',
            '',
        ),
    ],
)
def test_a_note(tmp_path, capsys, fields, what, why, line):
    env = environment(tmp_path, **fields)
    (found,) = (n for n in findings(NOTES, env) if n.what.startswith(what))
    assert why in found.why
    assert found.remedy == line
    assert run(env, lambda: Trial(MODULES)) == 0
    assert f'  - {what}' in capsys.readouterr().out


def test_without_packaging(tmp_path, monkeypatch, capsys):
    """Versions are not compared, and the report says so."""
    for module in (inspected, notes):
        monkeypatch.setattr(module, 'HAS_PACKAGING', False)
    env = environment(tmp_path, changed={'mmengine': '1.0.0'})
    assert run(env, lambda: Trial(MODULES)) == 0
    output = capsys.readouterr().out
    assert '- packaging is not installed' in output
    assert f'type: {PIP} install packaging' in output
