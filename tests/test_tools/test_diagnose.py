import json
import math
import os
import subprocess
import sys

import pytest

from tests.conftest import CONFIGS, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def diagnose(tiny_arch, tiny_weights, data_root, tmp_path):
    environment = os.environ | dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
        COLUMNS='120',
    )

    def diagnose(*options):
        done = subprocess.run(
            [
                sys.executable,
                str(ROOT / 'tools' / 'diagnose.py'),
                str(CONFIGS / 'mpafer_rafdb.py'),
                *('--batches', '2', '--out', 'out.json', '--cfg-options'),
                *(f'{n}_dataloader.num_workers=0' for n in ('train', 'val')),
                *options,
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads((tmp_path / 'out.json').read_text())

    return diagnose


def test_which_loss_moves_what(diagnose):
    output, found = diagnose()
    losses = found['losses']
    assert set(losses) == {
        'loss_cls',
        'loss_token',
        'loss_prompt',
        'loss_proto',
    }
    prompts, context = 'backbone.prompts', 'head.text.context'
    assert losses['loss_cls'][prompts] > 0 < losses['loss_cls'][context]
    assert losses['loss_proto'][prompts] > 0 == losses['loss_proto'][context]
    for name in ('loss_token', 'loss_prompt'):
        assert losses[name][prompts] == 0 < losses[name][context]
    assert f'{math.log(7):.3f}' in output
    assert len(output.splitlines()) < 40
    alike = found['likeness']
    assert len(alike) == 5
    assert all(-1 <= a['mean'] <= a['max'] <= 1.0001 for a in alike.values())


def test_masked_names_leave_nothing_to_tell_classes_apart(diagnose):
    """With a shared context all soft token vectors are one (method.md)."""
    _, found = diagnose('model.head.text.mask_name=True')
    token = found['losses']['loss_token']
    assert token['value'] == pytest.approx(math.log(7), abs=1e-5)
    assert found['likeness']['soft prompts, tokens']['mean'] == pytest.approx(
        1, abs=1e-5
    )
