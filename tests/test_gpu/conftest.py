import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.structures import DataSample

from mpafer_plugin.apis import build_model
from mpafer_plugin.cli import train as train_command
from mpafer_plugin.cli.config_args import build_runner
from tests.conftest import CONFIGS

# Deterministic cuBLAS, before CUDA starts.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
CLASSES = 7


@pytest.fixture(
    params=[
        pytest.param('cuda', marks=pytest.mark.gpu),
        pytest.param('cpu', marks=pytest.mark.slow),
    ]
)
def device(request, monkeypatch):
    """The GPU; or the CPU, so that these tests do not rot without a GPU."""
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    return request.param


@pytest.fixture(scope='session')
def face_tiny():
    """A model on face-tiny on the CPU, whose prompts were shaken."""
    torch.manual_seed(3)
    model = build_model(
        arch='face-tiny', pretrained='face-tiny', head=dict(proto_weight=1.0)
    )
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    with torch.no_grad():
        model.backbone.prompts.normal_()
        model.head.proto_offsets.normal_(std=0.1)
    return model.eval()


@pytest.fixture
def model(face_tiny, device):
    """That model on the device."""
    return copy.deepcopy(face_tiny).to(device)


@pytest.fixture
def images():
    """20 images of noise, BGR."""
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (20, 64, 64, 3), dtype=np.uint8))


@pytest.fixture
def batch():
    """Eight images on the CPU with their labels, as of a data loader."""
    generator = torch.Generator().manual_seed(0)
    size = (8, 3, 64, 64)
    images = torch.randint(256, size, dtype=torch.uint8, generator=generator)
    samples = [DataSample().set_gt_label(i % CLASSES) for i in range(8)]
    return dict(inputs=images, data_samples=samples)


def losses_of(model, batch, dtype=None):
    """Compute the losses of a batch, under autocast if a dtype is given."""
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    kind = data['inputs'].device.type
    with torch.autocast(kind, dtype, enabled=dtype is not None):
        return model.train()(**data, mode='loss')


def gradients_of(model, losses):
    """Compute the gradients of the trainable parameters, by name."""
    model.zero_grad()
    sum(losses.values()).backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


@pytest.fixture
def tiny_environment(tiny_arch, tiny_weights, data_root, monkeypatch):
    """The tiny tower and the small images, for commands."""
    monkeypatch.setenv('MPAFER_ARCH', tiny_arch)
    monkeypatch.setenv('MPAFER_CLIP', tiny_weights)
    monkeypatch.setenv('MPAFER_DATA', str(data_root))


@pytest.fixture
def train(tiny_environment, tmp_path, monkeypatch):
    """Function that trains as `mpafer train` and returns the runner.

    `change` is called with the runner before it trains.
    """

    def train(name, *args, change=lambda runner: None, **options):
        runners = []

        def build(cfg, args):
            # A logger of an earlier run writes to that run's folder.
            monkeypatch.setattr(MMLogger, '_instance_dict', {})
            runners.append(build_runner(cfg, args))
            change(runners[0])
            return runners[0]

        monkeypatch.setattr(train_command, 'build_runner', build)
        config = write_config(tmp_path / 'config.py', **options)
        args = str(config), '--work-dir', str(tmp_path / name), *args
        train_command.main(args)
        return runners[0]

    return train


def write_config(path, **options):
    """Write a config of two epochs, ten iterations each, logged singly."""
    cfg = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    cfg.train_cfg.max_epochs = 2
    cfg.train_dataloader.batch_size = 8
    cfg.default_hooks.logger.interval = 1
    cfg.log_processor = dict(window_size=1)
    for hook in cfg.custom_hooks:
        if hook.type == 'PrototypeHook':
            hook.cache_dir = None
    cfg.merge_from_dict(options)
    cfg.dump(str(path))
    return path


def scalars(work_dir, key='loss'):
    """Values of the training log, one per iteration."""
    (path,) = Path(work_dir).rglob('scalars.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line[key] for line in lines if key in line]
