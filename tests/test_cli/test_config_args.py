from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from mpafer_plugin.cli.config_args import build_runner


@pytest.mark.parametrize('gpu', [False, True])
def test_a_gpu_copies_images_by_itself(gpu, monkeypatch):
    """Copies from pinned memory need not be waited for."""
    model = MODELS.build(
        dict(type='ImageClassifier', backbone=dict(type='LeNet5'))
    )
    runner = SimpleNamespace(
        model=model, register_hook=lambda *args, **kwargs: None
    )
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: runner)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    build_runner(Config(dict(launcher='none')), SimpleNamespace(amp=None))
    assert model.data_preprocessor._non_blocking == gpu
