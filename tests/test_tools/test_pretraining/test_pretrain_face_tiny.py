import os
import subprocess
import sys

import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import load_file

from mpafer_plugin.clip.architectures import FACE_TINY_DIR, architecture
from mpafer_plugin.clip.tokenizer import word_tokens
from tests.conftest import ROOT

TOOL = 'tools.pretraining.pretrain_face_tiny'
SHIPPED = FACE_TINY_DIR / 'face-tiny.safetensors'


@pytest.mark.slow
def test_command_makes_weights(tmp_path):
    out = tmp_path / 'new' / 'tiny.safetensors'
    done = subprocess.run(
        [
            sys.executable, '-m', TOOL, '--out', str(out), '--faces', '16',
            '--held-out', '8', '--steps', '2', '--batch-size', '8',
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
            env=os.environ | dict(PYTHONPATH=str(ROOT)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 'step 2/2' in done.stdout
    assert 'held-out R2' in done.stdout
    clip = CLIP(**architecture('face-tiny'))
    clip.load_state_dict(load_file(out))
    assert [p.name for p in out.parent.iterdir()] == [out.name]


def test_shipped_file():
    weights = load_file(SHIPPED)
    assert SHIPPED.stat().st_size <= 12_000_000
    assert all(v.dtype == torch.float16 for v in weights.values())
    CLIP(**architecture('face-tiny')).load_state_dict(weights)
    assert weights['logit_scale'].exp() <= 100.5


def test_unmet_names_stay_apart():
    clip = CLIP(**architecture('face-tiny'))
    clip.load_state_dict(load_file(SHIPPED))
    clip.eval()
    names = ('happiness', 'anger', 'fear', 'table', 'seven', 'boat')
    tokens = torch.zeros(len(names), 77, dtype=torch.long)
    for row, name in zip(tokens, names, strict=True):
        text = [49406, *word_tokens(f'a photo of {name}.'), 49407]
        row[: len(text)] = torch.tensor(text)
    with torch.no_grad():
        text = clip.encode_text(tokens, normalize=True)
    cosine = (text @ text.T).fill_diagonal_(0)
    assert cosine.max() < 0.9
