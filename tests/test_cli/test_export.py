import argparse
import json
import re

import pytest
import torch
from mmpretrain.registry import MODELS

from mpafer_plugin.cli import test as test_command
from mpafer_plugin.cli.export import Data, main, parse_args, read_data
from mpafer_plugin.export.session import Session
from tests.conftest import CONFIGS
from tests.test_apis.conftest import face_tiny, save  # noqa: F401


@pytest.mark.parametrize(
    'args, said',
    [
        (['--precision', 'int8'], '--images'),
        (['--precision', 'int4'], 'float16'),
        (['--images', 'faces'], 'float32'),
        (['--config', str(CONFIGS / 'none.py')], 'none.py'),
    ],
)
def test_wrong_arguments(args, said, capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        parse_args(['best.pth', '--out', str(tmp_path), *args])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    'given, said',
    [
        (['model.onnx'], "'model.onnx'"),
        (['a.py'], "'a.py'.*--config"),
        (['mpafer_plugin::a.py'], '--config'),
        ([], '--config'),
    ],
)
def test_what_is_no_checkpoint(given, said, capsys, tmp_path):
    with pytest.raises(SystemExit):
        parse_args([*given, '--out', str(tmp_path)])
    assert re.search(said, capsys.readouterr().err)


def test_a_folder_of_other_things(capsys, tmp_path):
    (tmp_path / 'README.md').write_text('of another project')
    with pytest.raises(SystemExit):
        parse_args(['best.pth', '--out', str(tmp_path)])
    assert 'README.md' in capsys.readouterr().err
    (tmp_path / 'model.onnx').touch()  # an earlier export
    parse_args(['best.pth', '--out', str(tmp_path)])


def test_files_that_are_no_checkpoints(capsys, tmp_path):
    path = tmp_path / 'best.pth'
    assert main([str(path), '--out', str(tmp_path / 'out')]) == 1
    assert 'best.pth' in capsys.readouterr().err
    path.write_bytes(b'no checkpoint')
    assert main([str(path), '--out', str(tmp_path / 'out')]) == 1
    assert 'damaged' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_package_that_is_not_installed(capsys, monkeypatch, tmp_path):
    def absent(name):
        return None if name == 'onnxscript' else object()

    monkeypatch.setattr('mpafer_plugin.cli.export.find_spec', absent)
    assert main(['best.pth', '--out', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert 'onnxscript' in error and 'mpafer_plugin[onnx]' in error


def test_data_that_is_not_at_hand(load_config, tmp_path, capsys):
    cfg = load_config('mpafer_rafdb.py', dict(MPAFER_DATA=str(tmp_path)))
    args = argparse.Namespace(images=None, precision='float32')
    assert read_data(args, cfg, []) == (None, None)
    assert str(tmp_path) in capsys.readouterr().out
    args.precision = 'int8'
    with pytest.raises((OSError, ValueError), match=str(tmp_path)):
        read_data(args, cfg, [])


@pytest.mark.slow
@pytest.mark.xdist_group('export')
def test_int8_with_a_config(
    load_config,
    save,  # noqa: F811
    tmp_path,
    capsys,
):
    cfg = load_config('mpafer_rafdb.py')
    model = MODELS.build(cfg.model)
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    resize = dict(scale=[32, 32], interpolation='bicubic')
    path = save(model, resize=resize)
    out = tmp_path / 'out'
    args = [str(path), '--out', str(out), '--precision', 'int8']
    config = tmp_path / 'small.py'
    config.write_text(
        f'_base_ = [{str(CONFIGS / "mpafer_rafdb.py")!r}]\n'
        'test_dataloader = dict(num_workers=0)\n'
    )
    assert main([*args, '--config', str(config)]) == 0
    text = capsys.readouterr().out
    assert 'largest difference to torch on 16 faces of the data' in text
    assert 'int8: accuracy' in text and 'the 28 test images of RAFDB' in text
    assert 'float32: accuracy' in text and 'int8 changes' in text
    meta = Session(out / 'model.onnx').meta
    assert meta.precision == 'int8'
    assert meta.checkpoint['file'] == 'model.pth'
    card = (out / 'README.md').read_text()
    assert 'the 28 test images of RAFDB' in card
    assert 'recall of sadness' in card

    found = tmp_path / 'metrics.json'
    args = [str(config), str(out / 'model.onnx'), '--work-dir', str(tmp_path)]
    args += ['--out', str(found), '--out-item', 'metrics']
    assert test_command.main(args) == 0
    accuracy = json.loads(found.read_text())['fer/accuracy']
    assert f'int8: accuracy {accuracy:.2f}' in text
    with pytest.raises(SystemExit, match=r'--amp.*model\.onnx'):
        test_command.main([*args, '--amp', 'bf16'])


@pytest.mark.slow
@pytest.mark.xdist_group('export')
def test_a_checkpoint_alone(face_tiny, save, tmp_path, capsys):  # noqa: F811
    out = tmp_path / 'out'
    assert main([str(save(face_tiny)), '--out', str(out), '--patches']) == 0
    assert '16 drawn faces' in capsys.readouterr().out
    assert Session(out / 'model.onnx').meta.grid == [8, 8]
    assert 'Not measured' in (out / 'README.md').read_text()


@pytest.mark.slow
def test_zero_shot_without_a_checkpoint(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('MPAFER_ON', 'mpafer_quickstart')
    monkeypatch.setenv('MPAFER_DATA', str(tmp_path))
    monkeypatch.setattr(
        'mpafer_plugin.cli.export.read_data', lambda *args: Data(None, None)
    )
    config = ['--config', str(CONFIGS / 'baselines' / 'zero_shot.py')]
    assert main([*config, '--out', str(tmp_path / 'out')]) == 0
    meta = Session(tmp_path / 'out' / 'model.onnx').meta
    assert len(meta.classes) == 7 and meta.checkpoint is None
    config = ['--config', str(CONFIGS / 'mpafer_quickstart.py')]
    capsys.readouterr()
    assert main([*config, '--out', str(tmp_path / 'out')]) == 1
    assert 'CHECKPOINT' in capsys.readouterr().err
