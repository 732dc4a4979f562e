import argparse

import pytest
import torch
from mmengine.config import Config

from mpafer_plugin.cli import amp, train
from mpafer_plugin.cli import test as test_command
from mpafer_plugin.cli.config_args import build_runner
from mpafer_plugin.clip import precision
from mpafer_plugin.engine.prototypes import class_prototypes
from mpafer_plugin.models import PromptedCLIPViT
from tests.conftest import CONFIGS, RUNNERS

CONFIG = CONFIGS / 'mpafer_rafdb.py'


@pytest.mark.parametrize(
    'args, expected',
    [
        ([], None),
        (['--amp'], 'auto'),
        (['--amp', 'bf16'], 'bf16'),
        (['--amp=fp16'], 'fp16'),
    ],
)
def test_spellings(args, expected):
    for argv in ([*args, str(CONFIG)], [str(CONFIG), *args]):
        assert train.parse_args(argv).amp == expected
        assert test_command.parse_args([*argv, '--tta']).amp == expected


def use(device, name, monkeypatch, training=True, **optim_wrapper):
    """Config after the option, on a device that need not be there."""
    monkeypatch.setattr(amp, 'get_device', lambda: device)
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda including_emulation: True
    )
    dtypes = {}
    monkeypatch.setattr(torch, 'set_autocast_dtype', dtypes.__setitem__)
    cfg = Config(
        dict(
            model=dict(backbone=dict(type='ResNet')),
            optim_wrapper=dict(type='OptimWrapper', **optim_wrapper),
            val_cfg={},
            test_cfg=None,
        )
    )
    before = cfg.to_dict()
    dtype = amp.use_amp(cfg, name, training)
    if dtype == torch.float32:
        assert cfg.to_dict() == before and not dtypes
    else:
        assert cfg.val_cfg == dict(fp16=True) and cfg.test_cfg is None
        assert dtypes == {device: dtype}
    return dtype, dict(cfg.optim_wrapper)


def test_on_a_cpu(monkeypatch):
    mixed = torch.bfloat16, dict(type='CPUAmpOptimWrapper')
    plain = torch.float32, dict(type='OptimWrapper')
    given = dict(loss_scale='dynamic', dtype='float16')
    assert use('cpu', 'bf16', monkeypatch, **given) == mixed
    assert use('cpu', None, monkeypatch) == plain
    for share, expected in ((0.5, mixed), (0.9, plain)):
        precision.faster_dtype.cache_clear()
        monkeypatch.setattr(
            precision, 'time_blocks', lambda *args, half=share: (1, half)
        )
        assert use('cpu', 'auto', monkeypatch) == expected
    precision.faster_dtype.cache_clear()
    with pytest.raises(SystemExit, match='use --amp bf16'):
        use('cpu', 'fp16', monkeypatch)


def test_on_a_gpu(monkeypatch):
    scaled = dict(type='Float16OptimWrapper', dtype='float16')
    for name in ('auto', 'bf16'):
        dtype, wrapper = use('cuda', name, monkeypatch, loss_scale='dynamic')
        assert dtype == torch.bfloat16
        assert wrapper == dict(  # a scale would skip what is not finite
            type='AmpOptimWrapper',
            dtype='bfloat16',
            loss_scale=dict(enabled=False),
        )
    dtype, wrapper = use('cuda', 'fp16', monkeypatch)
    assert dtype == torch.float16
    assert wrapper == dict(scaled, loss_scale='dynamic')
    dtype, wrapper = use('cuda', 'fp16', monkeypatch, training=False)
    assert wrapper == dict(type='OptimWrapper')
    precision.faster_dtype.cache_clear()


@pytest.fixture
def runner_of(load_config, tmp_path):
    """Function that builds a runner as the commands do."""

    def build(name, folder, **options):
        cfg = load_config('mpafer_rafdb.py', **options)
        cfg.work_dir = str(tmp_path / folder)
        cfg.experiment_name = f'amp_{next(RUNNERS)}'
        cfg.launcher = 'none'
        cfg.visualizer.vis_backends = None
        return build_runner(cfg, argparse.Namespace(amp=name))

    return build


def test_a_run_in_bfloat16(runner_of, tmp_path):
    runner = runner_of('bf16', 'out')
    tower = runner.model.backbone.tower
    seen = []
    tower.visual.ln_post.register_forward_pre_hook(
        lambda layer, x: seen.append(x[0].dtype)
    )
    runner.train()
    assert set(seen) == {torch.bfloat16}  # in validation too
    checkpoint = torch.load(tmp_path / 'out' / 'epoch_1.pth')
    assert checkpoint['meta']['dtype'] == 'bfloat16'
    for name, tensor in checkpoint['state_dict'].items():
        assert 'tower' not in name and tensor.dtype == torch.float32
    assert checkpoint['mpafer']['settings']['logit_scale'] == 'clip'

    runner = runner_of(None, 'float32')
    assert runner.model.backbone.tower.dtype == torch.float32
    runner.train()
    full = torch.load(tmp_path / 'float32' / 'epoch_1.pth')
    assert full['meta']['dtype'] == 'float32'
    assert full['mpafer'] == checkpoint['mpafer']  # fingerprints too
    a, b = (x['state_dict']['head.prototypes'] for x in (full, checkpoint))
    assert 0 < (a - b).abs().max() < 0.01


def test_prototypes_are_summed_in_float64(tiny):
    backbone = PromptedCLIPViT(**tiny)
    backbone.tower.cast(torch.bfloat16)
    images, labels = torch.randn(6, 3, 32, 32), torch.arange(6) % 2
    found = class_prototypes(backbone, [(images, labels)], 2)
    feature = backbone(images, prompted=False)[0][0].double()
    feature = feature / feature.norm(dim=1, keepdim=True)
    expected = torch.stack([feature[::2].mean(0), feature[1::2].mean(0)])
    torch.testing.assert_close(found, expected)


@pytest.mark.slow
def test_resume_is_exact_and_notices_another_dtype(runner_of, tmp_path):
    options = {
        'train_cfg.max_epochs': 2,
        'default_hooks.checkpoint.max_keep_ckpts': 2,
    }
    runner_of('bf16', 'whole', **options).train()
    options['load_from'] = str(tmp_path / 'whole' / 'epoch_1.pth')
    options['resume'] = True
    runner_of('bf16', 'resumed', **options).train()
    results = [
        torch.load(tmp_path / folder / 'epoch_2.pth')
        for folder in ('whole', 'resumed')
    ]
    for key in ('state_dict', 'optimizer'):
        a, b = (result[key] for result in results)
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    runner = runner_of(None, 'float32', **options)
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert any('was trained in bfloat16' in text for text in said)


@pytest.mark.parametrize('name, size', [('bf16', 2), (None, 4)])
def test_any_precision_tests_a_checkpoint(runner_of, tmp_path, name, size):
    runner_of('bf16', 'out').train()
    checkpoint = str(tmp_path / 'out' / 'epoch_1.pth')
    runner = runner_of(name, 'test', load_from=checkpoint)
    assert 0 <= runner.test()['fer/accuracy'] <= 100
    assert runner.model.backbone.tower.dtype.itemsize == size
