"""configs/baselines and configs/ablations."""

import pytest
import torch
from mmengine.config import Config

from mpafer_plugin.models import HardPromptCLIPText
from tests.conftest import CONFIGS
from tests.test_configs.test_configs import train_a_step

PROMPTS, CONTEXT = 'backbone.prompts', 'head.text.context'
LAYER = {'head.fc.weight', 'head.fc.bias'}
LEARNING = {
    'coop': {CONTEXT},
    'linear_probe': LAYER,
    'vpt': {PROMPTS} | LAYER,
    '1_context': {CONTEXT},
    'no_visual': {CONTEXT},
    'scale_learnable': {PROMPTS, CONTEXT, 'head.log_scale'},
}
ALL = {'loss_cls', 'loss_token', 'loss_prompt', 'loss_proto'}
LOSSES = {
    'coop': {'loss_cls'},
    'linear_probe': {'loss'},
    'vpt': {'loss'},
    '1_context': {'loss_cls'},
    '2_visual_prompts': {'loss_cls'},
    '3_prototypes': {'loss_cls', 'loss_proto'},
    'no_prototype': ALL - {'loss_proto'},
    'no_softhard': {'loss_cls', 'loss_proto'},
}
TRAINED = sorted(
    str(path.relative_to(CONFIGS))
    for folder in ('baselines', 'ablations')
    for path in (CONFIGS / folder).glob('*.py')
    if path.stem not in ('zero_shot', 'full_finetune')
)
# The tiny tower has 16 patches.
OPTIONS = {'top_k_49': {'model.head.top_k': 9}}


@pytest.mark.parametrize('name', TRAINED)
def test_trains_what_it_says(name, build_runner):
    stem = name.split('/')[1][:-3]
    runner = build_runner(name, **OPTIONS.get(stem, {}))
    model, before, losses = train_a_step(runner)
    assert losses['loss'].isfinite()
    assert set(losses) == LOSSES.get(stem, ALL) | {'loss'}
    changed = {
        n for n, p in model.named_parameters() if not torch.equal(p, before[n])
    }
    assert changed == LEARNING.get(stem, {PROMPTS, CONTEXT})


def test_full_finetuning_moves_the_whole_tower(build_runner):
    model, before, _ = train_a_step(build_runner('baselines/full_finetune.py'))
    for name, value in model.named_parameters():
        assert not torch.equal(value, before[name]), name
    saved = set(model.state_dict())
    assert saved >= set(before)
    assert any('resblocks.1.mlp' in name for name in saved)


@pytest.mark.parametrize('granularity', [1, 2, 3, 'mean'])
def test_zero_shot_has_nothing_to_learn(granularity, build_runner):
    runner = build_runner(
        'baselines/zero_shot.py',
        **{'model.head.text.granularity': granularity},
    )
    assert not [p for p in runner.model.parameters() if p.requires_grad]
    text = runner.model.head.text
    assert isinstance(text, HardPromptCLIPText)
    assert 0 <= runner.test()['fer/accuracy'] <= 100


def test_rows_add_up_to_the_method(load_config):
    """The last row with the local score is mpafer_rafdb.py."""
    own = load_config('ablations/4_soft_hard.py').model
    method = load_config('mpafer_rafdb.py').model
    own.head.local_weight = method.head.local_weight
    assert own.to_dict() == method.to_dict()


@pytest.mark.parametrize('on', ['mpafer_ferplus', 'mpafer_quickstart'])
def test_on_another_data_set(on, monkeypatch):
    monkeypatch.setenv('MPAFER_ON', on)
    monkeypatch.setenv('MPAFER_ARCH', 'face-tiny')
    base = Config.fromfile(CONFIGS / f'{on}.py')
    probe = Config.fromfile(CONFIGS / 'baselines/linear_probe.py')
    assert probe.train_dataloader == base.train_dataloader
    assert probe.model.head.num_classes == len(base.classes)
    assert probe.model.head.in_channels == 64
    rule = Config.fromfile(CONFIGS / 'ablations/prototype_16_samples.py')
    hooks = {hook['type']: hook for hook in rule.custom_hooks}
    assert hooks['PrototypeHook']['samples_per_class'] == 16
    assert len(hooks) == len(base.custom_hooks)
