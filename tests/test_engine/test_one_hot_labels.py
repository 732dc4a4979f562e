import pytest

from mpafer_plugin.cli.zero_shot import score
from mpafer_plugin.engine import PrototypeHook

PREPROCESSOR = 'model.data_preprocessor'
MIXUP = [dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]


@pytest.mark.parametrize(
    'options',
    [
        {f'{PREPROCESSOR}.to_onehot': True},
        {'model.train_cfg': dict(augments=MIXUP)},  # as mmpretrain has it
        {f'{PREPROCESSOR}.batch_augments': dict(augments=MIXUP)},
        {
            'model.train_cfg': dict(augments=MIXUP[0], probs=0.5),
            'model.head.loss_cls.use_soft': True,
        },
    ],
    ids=['to_onehot', 'train_cfg', 'batch_augments', 'use_soft'],
)
def test_the_number_of_classes_is_the_heads(build_runner, options):
    runner = build_runner(**options)
    runner.train()
    assert runner.model.data_preprocessor.num_classes == 7
    assert runner.message_hub.get_scalar('train/loss_cls').current() > 0


def test_testing_needs_no_number_either(build_runner):
    options = {f'{PREPROCESSOR}.batch_augments': dict(augments=MIXUP)}
    assert 'fer/accuracy' in build_runner(**options).test()


def test_zero_shot_needs_no_number_either(load_config):
    options = {f'{PREPROCESSOR}.batch_augments': dict(augments=MIXUP)}
    assert list(score(load_config('mpafer_rafdb.py', **options))) == [
        '1',
        '2',
        '3',
        'mean',
    ]


def test_another_number_is_told_before_the_prototypes(
    build_runner, monkeypatch
):
    def computed(*args):
        raise AssertionError('prototypes were computed')

    monkeypatch.setattr(PrototypeHook, '_compute', computed)
    runner = build_runner(
        **{f'{PREPROCESSOR}.to_onehot': True, f'{PREPROCESSOR}.num_classes': 9}
    )
    with pytest.raises(ValueError, match=r'num_classes=9, the head has 7'):
        runner.train()
