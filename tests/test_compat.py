import os
import pickle
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config, config
from mmengine.hub import get_config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import get_installed_path, is_installed

from mpafer_plugin import compat
from tests.conftest import CONFIGS


def test_history_buffers_are_read_as_data(tmp_path):
    path = tmp_path / 'x.pth'
    saved = {
        'buffer': HistoryBuffer([1.0, 3.0], [1, 1]),
        'scalars': [np.float64(0.5), np.float32(0.5), np.int64(2)],
        'flag': np.bool_(True),
    }
    torch.save(saved, path)
    loaded = torch.load(path)
    assert loaded['buffer'].statistics('mean') == 2.0
    assert loaded['scalars'] == [0.5, 0.5, 2]
    assert loaded['flag']


class Attribute:
    """What a hostile file would ask getattr for."""

    def __init__(self, owner, name):
        self.arguments = owner, name

    def __reduce__(self):
        return getattr, self.arguments


@pytest.mark.parametrize(
    'owner, name',
    [
        (HistoryBuffer, '__init__'),
        (np.ndarray, 'tofile'),
        (torch.Tensor, 'max'),
    ],
)
def test_no_other_attribute_can_be_had(tmp_path, owner, name):
    path = tmp_path / 'x.pth'
    torch.save(Attribute(owner, name), path)
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        torch.load(path)


class MakesFolder:
    """What a hostile file would have done by reading it."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_the_host_reads_as_data_too(tmp_path):
    own, hostile, mark = (tmp_path / name for name in ('a.pth', 'b.pth', 'c'))
    torch.save({'buffer': HistoryBuffer([1.0], [1])}, own)
    torch.save(MakesFolder(mark), hostile)
    with pytest.raises(ValueError, match=r'b\.pth'):
        CheckpointLoader.load_checkpoint(str(hostile))
    assert not mark.exists()
    # Reading leaves what torch allows as it was.
    CheckpointLoader.load_checkpoint(str(own))
    assert torch.load(own)['buffer'].current() == 1.0


@pytest.mark.parametrize(
    'base, kind, scope',
    [
        ('mpafer_plugin::mpafer_rafdb.py', 'ImageClassifier', None),
        ('mpafer_plugin::_base_/mpafer.py', 'ImageClassifier', None),
        (
            'mmpretrain::resnet/resnet18_8xb16_cifar10.py',
            'ImageClassifier',
            'mmpretrain',
        ),
    ],
)
def test_bases_of_packages(base, kind, scope, tmp_path, monkeypatch):
    """Without pkg_resources, which setuptools 82 removed, from any folder."""
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'config.py'
    path.write_text(f"_base_ = ['{base}']\n")
    model = Config.fromfile(path).model
    assert (model.type, model.get('_scope_')) == (kind, scope)


def test_a_shipped_config_by_the_hosts_hub():
    cfg = get_config('mpafer_plugin::mpafer_rafdb.py')
    assert cfg.model.head.type == 'PromptAlignmentHead'


@pytest.mark.parametrize(
    'name, kind, message',
    [
        ('no_such_package::a.py', ModuleNotFoundError, 'no_such_package'),
        ('mpafer_plugin::no_such.py', FileNotFoundError, 'no_such.py'),
        ('mpafer_plugin::', ValueError, "'mpafer_plugin::'"),
        ('a::b::c.py', ValueError, "'a::b::c.py'"),
    ],
)
def test_bases_that_are_not_there(name, kind, message, tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f"_base_ = ['{name}']\n")
    with pytest.raises(kind, match=message):
        Config.fromfile(path)


@pytest.mark.parametrize(
    'value',
    [
        r'C:\Users\new',
        "it's",
        'a "b" {{ _base_.lr }}\n',
        'caf\u00e9 \U0001f600 \udce9',
        "x'\nimport os; os.mkdir('ran')\ny = '",
    ],
)
def test_variables_are_text(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('MPAFER_DATA', 'MPAFER_CLIP', 'MPAFER_ON'):
        if '\n' not in value or name != 'MPAFER_ON':
            monkeypatch.setenv(name, value)
    own = tmp_path / 'own.py'
    own.write_text(
        "_base_ = ['mpafer_plugin::mpafer_rafdb.py']\n"
        'own_root = "{{ $MPAFER_DATA:data }}/own"  # {{$MPAFER_DATA:data}}\n'
    )
    cfg = Config.fromfile(own)
    assert cfg.own_root == f'{value}/own'
    assert cfg.data_root == f'{value}/rafdb'
    assert cfg.model.backbone.pretrained == value
    assert cfg.env_variables['MPAFER_DATA'] == value
    assert os.listdir() == ['own.py']


def test_variables_of_bases_are_text(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MPAFER_ON', "'+str(__import__('os').mkdir('ran'))+'")
    with pytest.raises(FileNotFoundError, match='__import__'):
        Config.fromfile(CONFIGS / 'baselines' / 'coop.py')
    assert not os.listdir()


def test_variables_that_are_not_text(tmp_path, monkeypatch):
    path = tmp_path / 'config.py'
    path.write_text("a = [{{'$NUMBERS:1,2'}}]\nb = '{{$NAME:x.y+[z]}}'\n")
    assert Config.fromfile(path).to_dict() == dict(a=[1, 2], b='x.y+[z]')
    monkeypatch.setenv('NUMBERS', "3, 'four'")
    assert Config.fromfile(path).a == [3, 'four']
    monkeypatch.setenv('NAME', '')
    with pytest.raises(KeyError, match='NAME, which is empty'):
        Config.fromfile(path)


def test_packages_by_module_and_by_distribution():
    import open_clip

    folder = os.path.dirname(open_clip.__file__)
    assert get_installed_path('open_clip') == folder
    assert get_installed_path('open_clip_torch') == folder
    assert is_installed('open_clip_torch')
    assert not is_installed('no_such_package')


@pytest.mark.skipif(
    not hasattr(config, 'yapf'), reason='the fork imports yapf each time'
)
def test_an_unchanged_config_is_formatted_once(monkeypatch):
    calls, yapf_format = [], compat.FormatCode

    def format_code(text, **options):
        calls.append(text)
        return yapf_format(text, **options)

    monkeypatch.setattr(compat, 'FormatCode', format_code)
    monkeypatch.setattr(config, 'FormatCode', compat._format_code)
    compat._format_once.cache_clear()
    cfg = Config(dict(model=dict(type='A', width=3), lr=0.1))
    texts = [cfg.pretty_text for _ in range(3)]
    assert texts[0] == texts[1] == texts[2]
    assert len(calls) == 1
    cfg.lr = 0.2
    assert 'lr = 0.2' in cfg.pretty_text
    assert len(calls) == 2
    assert Config.fromstring(cfg.pretty_text, '.py').model.width == 3
