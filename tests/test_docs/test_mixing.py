"""docs/mixing.md, block by block, in a folder that is not the project's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import mmpretrain
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.conftest import CONFIGS, ROOT, RUNNERS

HOST = Path(mmpretrain.__file__).parent / '.mim'
BLOCKS = dict(
    re.findall(
        r'```python\n# (\w+\.py)\n(.*?)```',
        (ROOT / 'docs' / 'mixing.md').read_text(),
        re.DOTALL,
    )
)
# The tiny tower's numbers where the page has those of ViT-B/16.
TINY = {
    'linear_head.py': dict(head=dict(in_channels=12)),
    'head_on_vit.py': dict(
        backbone=dict(
            arch=dict(
                embed_dims=16,
                num_layers=2,
                num_heads=2,
                feedforward_channels=32,
            ),
            patch_size=56,
        ),
        head=dict(in_channels=16),
    ),
}
TRAINABLE = {
    'linear_head.py': {
        'backbone.prompts',
        'head.fc.bias',
        'head.fc.weight',
    },
    'longer.py': {'backbone.prompts', 'head.text.context'},
}


@pytest.fixture
def folder(tmp_path, tiny_arch, tiny_weights, data_root, monkeypatch):
    for name, text in BLOCKS.items():
        (tmp_path / name).write_text(text)
    for name, value in dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=data_root,
    ).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(name, folder):
    cfg = Config.fromfile(name)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(batch_size=16, num_workers=0, persistent_workers=False)
    if name == 'linear_head.py':  # the tower takes 32 pixels
        cfg.train_dataloader.dataset.pipeline[1].scale = 32
        for split in ('val', 'test'):
            pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
            pipeline[1].scale, pipeline[2].crop_size = 40, 32
    for part, values in TINY.get(name, {}).items():
        cfg.model[part].update(values)
    cfg.train_cfg.max_epochs = 1
    cfg.train_cfg.val_interval = 1
    cfg.work_dir = str(folder / 'work_dir')
    cfg.experiment_name = f'mixing_{next(RUNNERS)}'
    return cfg


def test_every_block_is_run():
    assert set(BLOCKS) == {
        'resnet_on_rafdb.py',
        'linear_head.py',
        'head_on_vit.py',
        'centred_head.py',
        'centred_resnet.py',
        'longer.py',
        'plain_loop.py',
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, terms',
    [
        ('resnet_on_rafdb.py', ['loss']),
        ('linear_head.py', ['loss']),
        ('head_on_vit.py', ['loss_cls', 'loss_token', 'loss_prompt']),
        ('centred_resnet.py', ['loss', 'loss_centre', 'loss_rows']),
        ('longer.py', ['loss_cls', 'loss_token', 'loss_prompt', 'loss_proto']),
    ],
)
def test_config_trains_and_validates(name, terms, folder):
    runner = Runner.from_cfg(load(name, folder))
    before = {n: p.clone() for n, p in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 5  # 77 images
    logged = runner.message_hub.log_scalars
    for term in terms:
        assert np.isfinite(logged[f'train/{term}'].data[0]).all()
    assert 0 <= logged['val/fer/accuracy'].current() <= 100
    changed = {
        n
        for n, p in runner.model.named_parameters()
        if not torch.equal(p, before[n])
    }
    learning = {
        n for n, p in runner.model.named_parameters() if p.requires_grad
    }
    assert changed == learning == TRAINABLE.get(name, learning)
    if name == 'centred_resnet.py':
        assert {'head.centres', 'head.fc.weight'} <= changed


@pytest.mark.slow
@pytest.mark.parametrize('base', ['file', 'package'])
def test_the_hosts_own_tool_runs_a_config_of_ours(base, folder):
    if base == 'file':
        text = BLOCKS['longer.py'].replace('mpafer_plugin::', f'{CONFIGS}/')
        (folder / 'longer.py').write_text(text)
        command = []
    else:  # `mpafer_plugin::` is known once the plugin is imported
        page = (ROOT / 'docs' / 'host-tools.md').read_text()
        command = ['-c', re.search(r"python -c '(.*)' \"\$@\"", page)[1]]
    options = {
        'train_cfg.max_epochs': 1,
        **{
            f'{split}_dataloader.{key}': value
            for split in ('train', 'val', 'test')
            for key, value in (
                ('num_workers', 0),
                ('persistent_workers', False),
            )
        },
    }
    result = subprocess.run(
        [
            sys.executable,
            *command,
            str(HOST / 'tools' / 'train.py'),
            'longer.py',
            '--cfg-options',
            *(f'{key}={value}' for key, value in options.items()),
        ],
        capture_output=True,
        text=True,
        env=os.environ.copy(),
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert (folder / 'work_dirs' / 'longer' / 'epoch_1.pth').is_file()


@pytest.mark.slow
def test_plain_loop(folder):
    rng = np.random.default_rng(0)
    for label, name in enumerate(('anger', 'happiness', 'neutral')):
        path = folder / 'faces' / 'train' / name
        path.mkdir(parents=True)
        for i in range(12):
            noise = rng.integers(0, 60, (48, 48, 3)) + 60 * label
            cv2.imwrite(str(path / f'{i}.png'), noise.astype(np.uint8))
    result = subprocess.run(
        [sys.executable, 'plain_loop.py'], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]
    losses = re.findall(r'^\d (\S+)$', result.stdout, re.MULTILINE)
    assert len(losses) == 3 and np.isfinite([*map(float, losses)]).all()
    assert set(torch.load('prompts.pt')) == {
        'backbone.prompts',
        'head.text.context',
        'head.prototypes',
    }
