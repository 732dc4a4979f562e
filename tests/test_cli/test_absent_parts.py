"""Configs without the parts that the docs allow to be absent."""

import argparse
import os
from unittest.mock import Mock

import pytest
from torch import nn

from mpafer_plugin.__main__ import main
from mpafer_plugin.cli import test as test_command
from mpafer_plugin.cli import train as train_command
from mpafer_plugin.cli.config_args import load_config
from tests.conftest import CONFIGS


@pytest.fixture
def config(load_config, tmp_path, monkeypatch):
    """Function that writes a config over a shipped one at a tiny size."""
    load_config('mpafer_rafdb.py')  # sets the environment
    monkeypatch.chdir(tmp_path)

    def write(text, base='mpafer_rafdb.py'):
        path = tmp_path / 'own.py'
        path.write_text(f"_base_ = ['{CONFIGS / base}']\n{text}\n")
        return str(path)

    return write


NO_TEST = 'test_dataloader = test_cfg = test_evaluator = None'


@pytest.mark.parametrize(
    'command, text, absent',
    [
        ('test', NO_TEST, 'test_dataloader'),
        ('zero-shot', NO_TEST, 'test_dataloader'),
        ('train --select-on-test', NO_TEST, 'test_dataloader'),
        (
            'train',
            'train_dataloader = train_cfg = optim_wrapper = None',
            'train_dataloader',
        ),
        ('train --auto-scale-lr', 'auto_scale_lr = None', 'auto_scale_lr'),
        (
            f'test --data {CONFIGS / "mpafer_ferplus.py"}',
            NO_TEST.replace('test', 'val')
            + f'; {NO_TEST}; test_pipeline = None',
            'test_dataloader and no val_dataloader',
        ),
        ('test --tta', 'tta_pipeline = None', 'tta_pipeline'),
    ],
)
def test_a_sentence_names_what_is_absent(config, command, text, absent):
    name, *options = command.split()
    with pytest.raises(SystemExit, match=f'has no {absent}'):
        main([name, config(text), *options])


def test_zero_shot_without_prompts(config):
    path = config('', 'baselines/linear_probe.py')
    with pytest.raises(SystemExit, match=r'no model\.head\.text'):
        main(['zero-shot', path])


def test_the_test_of_another_config(config):
    """With the pipeline of the config itself, here of validation."""
    args = argparse.Namespace(
        config=config(NO_TEST),
        data=str(CONFIGS / 'mpafer_ferplus.py'),
        cfg_options=None,
        no_pin_memory=True,
    )
    cfg = load_config(args)
    expected = cfg.val_dataloader.dataset.pipeline
    test_command.use_data(cfg, args)
    assert cfg.test_dataloader.dataset.type == 'FERPlus'
    assert cfg.test_dataloader.dataset.pipeline == expected
    assert cfg.test_dataloader.collate_fn.type == 'default_collate'
    assert cfg.test_evaluator.type == 'FERMetric'


@pytest.mark.parametrize(
    'module, command, text',
    [
        (train_command, 'train --no-validate', 'default_hooks = None'),
        (test_command, 'test --show-dir drawn', 'visualizer = None'),
    ],
)
def test_the_defaults_of_absent_parts(
    config, module, command, text, monkeypatch
):
    built = []

    def build_runner(cfg, args, **kwargs):
        built.append(cfg)
        return Mock(model=nn.Identity())

    monkeypatch.setattr(module, 'build_runner', build_runner)
    name, *options = command.split()
    assert main([name, config(text), *options]) == 0
    (cfg,) = built
    assert cfg.val_dataloader is None or 'type' in cfg.visualizer


@pytest.mark.parametrize(
    'command, out, reason',
    [
        ('test --out', 'file/out.json', "'file' is not a folder"),
        ('test --out', 'folder.json', 'folder'),
        ('zero-shot --out', 'file/out.json', "'file' is not a folder"),
        ('zero-shot --out', 'folder.json', 'folder'),
        ('test --work-dir', 'file/below', "'file' is not a folder"),
        ('test --show-dir', 'file', "'file' is not a folder"),
        ('train --work-dir', 'locked/below', "'locked' cannot be written"),
        ('browse-dataset --out-dir', 'locked', "'locked' cannot be written"),
        ('verify-dataset --out', 'locked/a.json', "'locked' cannot be writt"),
        ('verify-dataset --missing', 'locked/a', "'locked' cannot be written"),
        (
            'generate-prompts --base-url=x --model=x --classes a --out',
            'locked/a.json',
            "'locked' cannot be written",
        ),
    ],
)
def test_the_output_is_tried_first(
    config, command, out, reason, tmp_path, capsys, monkeypatch
):
    (tmp_path / 'file').touch()
    (tmp_path / 'folder.json').mkdir()
    (tmp_path / 'locked').mkdir()
    # Permissions do not bind root.
    monkeypatch.setattr(os, 'access', lambda path, mode: str(path) != 'locked')
    name, *options = command.split()
    inputs = [] if name == 'generate-prompts' else [config('')]
    with pytest.raises(SystemExit) as error:
        main([name, *inputs, *options, out])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert f'{out!r}' in printed and reason in printed
