import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.models import CrossEntropyLoss, LabelSmoothLoss

from mpafer_plugin.engine import ClassWeightHook
from tests.conftest import CONFIGS, RUNNERS

# As docs show it, in a config of one's own.
CONFIG = """
_base_ = [{base!r}]
custom_hooks = [*_base_.custom_hooks, dict(type='ClassWeightHook')]
train_dataloader = dict(batch_size=16, num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1)
"""
# Of 11 training images a class so many are kept: 50.
COUNTS = [10, 10, 10, 10, 4, 4, 2]


def unequal(dataset):
    """Leave COUNTS images of each class."""
    labels = dataset.get_gt_labels()
    keep = [np.flatnonzero(labels == c)[:n] for c, n in enumerate(COUNTS)]
    dataset.get_subset_(np.concatenate(keep).tolist())


@pytest.fixture
def prepared(build_runner):
    """Function that builds a runner with unequal classes."""

    def prepare(**options):
        runner = build_runner(**options)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        unequal(runner.train_dataloader.dataset)
        return runner

    return prepare


def test_weights_by_hand(prepared):
    runner = prepared()
    ClassWeightHook().before_train(runner)
    weights = runner.model.head.loss_module.class_weight
    assert weights == pytest.approx([50 / 7 / n for n in COUNTS])
    mean = sum(n * w for n, w in zip(COUNTS, weights, strict=True)) / 50
    assert mean == pytest.approx(1)


def test_one_line_in_a_config(
    tmp_path, tiny_arch, tiny_weights, data_root, monkeypatch
):
    for name, value in dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
    ).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / 'weighted.py'
    path.write_text(CONFIG.format(base=str(CONFIGS / 'mpafer_rafdb.py')))
    cfg = Config.fromfile(path)
    cfg.work_dir = str(tmp_path / 'work_dir')
    cfg.experiment_name = f'class_weights_{next(RUNNERS)}'
    cfg.train_dataloader.dataset.indices = list(range(64))
    monkeypatch.chdir(tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 4
    counts = np.bincount(runner.train_dataloader.dataset.get_gt_labels())
    assert len(set(counts)) > 1
    weights = runner.model.head.loss_module.class_weight
    assert weights == pytest.approx(64 / 7 / counts)
    (log,) = (tmp_path / 'work_dir').rglob('*.log')
    text = log.read_text()
    shown = f'neutral {weights[0]:.3f}, happiness {weights[1]:.3f}, '
    assert f'ClassWeightHook: weights in the loss: {shown}' in text
    assert f'class weights: {shown}' in text  # DataReportHook comes after


def test_torchs_weights_for_labels_and_soft_targets():
    """An image's loss is torch's; the mean is over the images."""
    weights = [0.5, 2.0, 1.0]
    loss = CrossEntropyLoss()
    loss.class_weight = weights
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    logs = logits.log_softmax(-1)
    hard = torch.tensor([1, 0])
    expected = -(2.0 * logs[0, 1] + 0.5 * logs[1, 0]) / 2
    torch.testing.assert_close(loss(logits, hard), expected)
    summed = F.cross_entropy(
        logits, hard, weight=torch.tensor(weights), reduction='sum'
    )
    torch.testing.assert_close(loss(logits, hard), summed / 2)
    soft = torch.tensor([[0.2, 0.7, 0.1], [0.6, 0.0, 0.4]])
    expected = -(
        (0.5 * 0.2 * logs[0, 0] + 2.0 * 0.7 * logs[0, 1] + 0.1 * logs[0, 2])
        + (0.5 * 0.6 * logs[1, 0] + 0.4 * logs[1, 2])
    )
    torch.testing.assert_close(loss(logits, soft), expected / 2)


def test_the_loss_of_the_head_is_weighted(prepared):
    runner = prepared()
    head = runner.model.head
    logits = torch.randn(5, 7)
    target = torch.tensor([0, 4, 6, 6, 1])
    before = F.cross_entropy(logits, target, reduction='none')
    ClassWeightHook().before_train(runner)
    weight = torch.tensor([50 / 7 / COUNTS[c] for c in target])
    torch.testing.assert_close(
        head.loss_module(logits, target), (before * weight).mean()
    )


def test_with_a_balanced_sampler_it_warns(prepared, monkeypatch):
    runner = prepared(
        **{'train_dataloader.sampler.type': 'ClassBalancedSampler'}
    )
    warnings = []
    monkeypatch.setattr(runner.logger, 'warning', warnings.append)
    ClassWeightHook().before_train(runner)
    (text,) = warnings
    assert 'balanced twice' in text
    del warnings[:]
    runner = prepared()
    monkeypatch.setattr(runner.logger, 'warning', warnings.append)
    ClassWeightHook().before_train(runner)
    assert not warnings


def test_a_model_in_a_wrapper(prepared):
    from mmengine.model import is_model_wrapper
    from torch.nn import DataParallel

    runner = prepared()
    model, runner.model = runner.model, DataParallel(runner.model)
    assert is_model_wrapper(runner.model)
    ClassWeightHook().before_train(runner)
    assert len(model.head.loss_module.class_weight) == 7


def test_errors(prepared):
    runner = prepared(**{'model.head.loss_cls.class_weight': [1.0] * 7})
    message = r'has class_weight=\[1.0, .*\] already: choose one'
    with pytest.raises(ValueError, match=message):
        ClassWeightHook().before_train(runner)
    runner.model.head.loss_module = LabelSmoothLoss(0.1, num_classes=7)
    message = (
        'loss of a PromptAlignmentHead, LabelSmoothLoss, has no class_weight: '
        'use CrossEntropyLoss'
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        ClassWeightHook().before_train(runner)
    runner.model.head.loss_module = CrossEntropyLoss()
    runner.train_dataloader.dataset.get_subset_(list(range(44)))
    with pytest.raises(ValueError, match=r"no training images of \['dis"):
        ClassWeightHook().before_train(runner)
    assert runner.model.head.loss_module.class_weight is None
