import atexit
import builtins
import gc
import itertools
import json
import os
import shutil
import tempfile
from pathlib import Path

if 'PYTEST_XDIST_WORKER' in os.environ:  # the cores are shared out already
    os.environ['OMP_NUM_THREADS'] = '1'

if 'MPAFER_CACHE' not in os.environ:  # one for all processes of the tests
    os.environ['MPAFER_CACHE'] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, os.environ['MPAFER_CACHE'], True)

import pytest
import torch
from mmengine.config import Config, config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from yapf.yapflib import yapf_api

import mpafer_plugin  # noqa: F401
from tests import small_data
from tools.benchmarks.tiny_tower import TOWER

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / 'configs'
# yapf is slow; the fork imports it from there each time.
config.FormatCode = lambda text, **_: (text, False)
yapf_api.FormatCode = config.FormatCode
RUNNERS = itertools.count()  # mmengine wants a new name for each runner


def pytest_collection_modifyitems(config, items):
    """Leave out what needs a GPU, unless `-m gpu` asks for it.

    Slow tests start first, so that no core waits at the end.
    """
    on_gpu = [item for item in items if item.get_closest_marker('gpu')]
    if 'gpu' not in config.option.markexpr:
        config.hook.pytest_deselected(items=on_gpu)
        items[:] = [item for item in items if item not in set(on_gpu)]
    elif not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip('torch finds no GPU'))
    items.sort(key=lambda item: item.get_closest_marker('slow') is None)
    gc.freeze()  # each dataset of mmengine collects garbage: pass over imports


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _defaults():
    torch.manual_seed(0)
    init_default_scope('mmpretrain')


@pytest.fixture
def no_openai(monkeypatch):
    """As if the `openai` package were not installed."""
    known = builtins.__import__

    def fail(name, *args, **kwargs):
        if name == 'openai':
            raise ModuleNotFoundError("No module named 'openai'")
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', fail)


@pytest.fixture(scope='session')
def tiny_arch(tmp_path_factory):
    """Path of the JSON of a two-layer CLIP, 16 channels wide, 4 x 4 patches.

    It has QuickGELU and two attention heads in both towers.
    """
    path = tmp_path_factory.mktemp('clip') / 'tiny.json'
    config = {'embed_dim': 12, 'quick_gelu': True} | TOWER
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture(scope='session')
def tiny_clip(tiny_arch):
    """open_clip's own model of that architecture, with random weights."""
    from open_clip.model import CLIP

    torch.manual_seed(1)
    with open(tiny_arch) as file:
        clip = CLIP(**json.load(file))
    for parameter in clip.parameters():
        # Biases and LayerNorms too: their defaults hide what is left out.
        torch.nn.init.normal_(parameter, std=0.3)
    torch.nn.init.constant_(clip.logit_scale, 2.0)
    return clip.eval().requires_grad_(False)


@pytest.fixture(scope='session')
def tiny_weights(tiny_clip, tmp_path_factory):
    """Path of that model's weights."""
    path = tmp_path_factory.mktemp('weights') / 'tiny.pt'
    torch.save(tiny_clip.state_dict(), path)
    return str(path)


@pytest.fixture
def tiny(tiny_arch, tiny_weights):
    """Arguments that name the tiny tower in a config."""
    return dict(arch=tiny_arch, pretrained=tiny_weights)


@pytest.fixture(scope='session')
def data_root(tmp_path_factory):
    """Folder of small random images in the layouts of every reader.

    RAF-DB and AffectNet: 12 training and 4 test images of each class.
    FERPlus: 4 of each of its eight classes in each split, labelled by all ten
    raters.
    """
    root = tmp_path_factory.mktemp('data')
    for write in (
        small_data.rafdb,
        small_data.ferplus,
        small_data.affectnet,
        small_data.published,
    ):
        write(root)
    return root


@pytest.fixture
def load_config(tiny_arch, tiny_weights, data_root, tmp_path, monkeypatch):
    """Function that loads a shipped config at a tiny size.

    It runs for one epoch on the CPU, without worker processes.
    """
    tiny = dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
    )

    def load(name, environment=(), **options):
        for variable, value in (tiny | dict(environment)).items():
            monkeypatch.setenv(variable, value)
        cfg = Config.fromfile(CONFIGS / name)
        cfg.work_dir = str(tmp_path / 'work_dir')
        cfg.train_cfg.max_epochs = 1
        for split in ('train', 'val', 'test'):
            loader = cfg[f'{split}_dataloader']
            loader.num_workers = 0
            loader.persistent_workers = False
            loader.batch_size = 8
            loader.collate_fn = dict(type='default_collate')
        for hook in cfg.custom_hooks:
            if hook.type == 'PrototypeHook':
                hook.update(num_workers=0, cache_dir=None)
        cfg.merge_from_dict(options)
        return cfg

    return load


@pytest.fixture
def build_runner(load_config):
    """Function that builds a runner from a shipped config at a tiny size."""

    def build(name='mpafer_rafdb.py', environment=(), **options):
        cfg = load_config(name, environment, **options)
        cfg.experiment_name = f'test_{next(RUNNERS)}'
        return Runner.from_cfg(cfg)

    return build
