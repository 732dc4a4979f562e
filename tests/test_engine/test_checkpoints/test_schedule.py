"""What is resumed follows the config, by position."""

import copy
from unittest.mock import Mock

import pytest
import torch
from mmengine.hooks import Hook

from mpafer_plugin.engine.checkpoints.schedule import check_state, try_step

EPOCHS = 'train_cfg.max_epochs'


class Rates(Hook):
    """Learning rate of each iteration that is trained."""

    priority = 'VERY_LOW'

    def before_train(self, runner):
        self.rates = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.rates[runner.iter] = runner.optim_wrapper.get_lr()['lr'][0]


@pytest.fixture
def train(build_runner, tmp_path):
    """Function that trains in a folder and returns runner and rates."""

    def run(folder, **options):
        runner = build_runner(work_dir=str(tmp_path / folder), **options)
        hook = Rates()
        runner.register_hook(hook)
        runner.train()
        return runner, hook.rates

    return run


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'train_dataloader.batch_size': 16},
        {'optim_wrapper.optimizer.lr': 0.01},
        {'param_scheduler': [dict(type='PolyLR', by_epoch=False)]},
        {'param_scheduler': [dict(type='StepLR', step_size=2)]},
        {
            'param_scheduler': [
                dict(
                    type='OneCycleLR',
                    eta_max=0.1,
                    total_steps=3,
                    convert_to_iter_based=True,
                )
            ]
        },
        {'param_scheduler': None},
    ],
)
def test_as_if_the_run_had_been_longer(options, train):
    """In its epochs, batch size, rate or schedule."""
    options = {EPOCHS: 3, **options}
    whole, expected = train('whole', **options)
    length = len(whole.train_dataloader)
    train('resumed', **{EPOCHS: 1})
    resumed, rates = train('resumed', resume=True, **options)
    assert rates == {i: expected[i] for i in range(length, 3 * length)}
    if 'train_dataloader.batch_size' not in options:
        assert max(rates.values()) > 0.2 * max(expected.values())
    assert resumed.iter == 3 * length


def test_hyperparameters_are_those_of_the_config(train, tmp_path):
    train('run', **{EPOCHS: 1})
    saved = torch.load(tmp_path / 'run' / 'epoch_1.pth')['optimizer']
    runner, _ = train(
        'run', resume=True, **{'optim_wrapper.optimizer.weight_decay': 0.25}
    )
    assert runner.optim_wrapper.param_groups[0]['weight_decay'] == 0.25
    # One epoch was all: the momentum is that of the file.
    optimizer = runner.optim_wrapper.optimizer
    parameters = [
        p for group in optimizer.param_groups for p in group['params']
    ]
    assert saved['state']
    for index, values in saved['state'].items():
        state = optimizer.state[parameters[index]]
        assert torch.equal(state['momentum_buffer'], values['momentum_buffer'])


def test_another_optimizer_is_an_error(train):
    train('run', **{EPOCHS: 1})
    adam = dict(_delete_=True, type='AdamW', lr=1e-3)
    with pytest.raises(ValueError, match=r'state of SGD.*AdamW'):
        train('run', resume=True, **{'optim_wrapper.optimizer': adam})


PLATEAU = dict(
    type='ReduceOnPlateauLR',
    monitor='fer/accuracy',
    rule='greater',
    threshold=1000,  # never better
    patience=0,
    factor=0.5,
)


def test_a_schedule_that_follows_validation_ends_later(train):
    options = {'param_scheduler': [PLATEAU]}
    _, expected = train('whole', **{EPOCHS: 4, **options})
    train('resumed', **{EPOCHS: 2, **options})
    _, rates = train('resumed', resume=True, **{EPOCHS: 4, **options})
    assert rates == {i: r for i, r in expected.items() if i in rates}
    assert len(set(expected.values())) == 3


def test_a_schedule_that_follows_validation_is_the_configs(train):
    """But for what it has seen: of two validations, one was no better."""
    train('run', **{EPOCHS: 3, 'param_scheduler': [PLATEAU]})
    options = {
        EPOCHS: 4,
        'param_scheduler': [PLATEAU | dict(factor=0.1)],
        'optim_wrapper.optimizer.lr': 0.01,
    }
    runner, rates = train('run', resume=True, **options)
    # 0.5 in the file; 0.1 by the third validation, which follows on resume.
    first = rates[3 * len(runner.train_dataloader)]
    assert first == pytest.approx(0.01 * 0.5 * 0.1)


def test_a_cosine_becomes_a_schedule_that_follows_validation(train):
    train('run', **{EPOCHS: 2})
    options = {EPOCHS: 4, 'param_scheduler': [PLATEAU]}
    runner, rates = train('run', resume=True, **options)
    length = len(runner.train_dataloader)
    assert rates[2 * length] == 0.032


def optimizer(*shapes):
    parameters = [torch.nn.Parameter(torch.ones(shape)) for shape in shapes]
    found = torch.optim.Adam(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    found.step()
    return found


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(exp_avg=torch.ones(3)), r'exp_avg of parameter 1 .* \(2,\)'),
        (dict(exp_avg='x'), "exp_avg of parameter 1 .* 'x'"),
    ],
)
def test_an_optimizer_state_that_is_wrong(change, message):
    own = optimizer((1,), (2,))
    saved = own.state_dict()
    check_state(saved, own)
    saved['state'][1] |= change
    with pytest.raises(ValueError, match=message):
        check_state(saved, own)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(step=torch.tensor(True)), 'no step .* RuntimeError'),
        (dict(step='x'), 'no step .* ValueError'),
        (dict(step=torch.tensor(-1.0)), 'no step .* ZeroDivisionError'),
        (dict(exp_avg_sq=torch.full((2,), -1.0)), 'not finite'),
    ],
)
def test_an_optimizer_state_that_cannot_be_stepped(change, message):
    own = optimizer((1,), (2,))
    before = copy.deepcopy((own.state_dict(), own.param_groups))
    saved = copy.deepcopy(own.state_dict())
    try_step(saved, own)
    assert str(saved) == str(before[0])
    saved['state'][1] |= change
    with pytest.raises(ValueError, match=message):
        try_step(saved, own)
    assert str((own.state_dict(), own.param_groups)) == str(before)


def test_frozen_parameters_are_not_copied():
    own = optimizer((1,), (2,))
    saved = copy.deepcopy(own.state_dict())
    frozen = own.param_groups[0]['params'][0].requires_grad_(False)
    frozen.grad = None
    frozen.__deepcopy__ = Mock(side_effect=MemoryError)
    del saved['state'][0]
    try_step(saved, own)
    assert frozen.grad is None
    saved['state'][1]['exp_avg_sq'].fill_(-1)
    with pytest.raises(ValueError, match='not finite'):
        try_step(saved, own)


def test_a_tensor_in_the_place_of_two():
    own = optimizer((1,), (2,))
    saved = copy.deepcopy(own.state_dict())
    saved['state'][1]['exp_avg'] = saved['state'][1]['exp_avg_sq']
    with pytest.raises(ValueError, match='not finite'):
        try_step(saved, own)


def test_an_optimizer_state_that_lacks_a_value():
    own = optimizer((1,), (2,))
    saved = copy.deepcopy(own.state_dict())
    del saved['state'][1]['exp_avg']
    with pytest.raises(ValueError, match="KeyError: 'exp_avg'"):
        try_step(saved, own)


def test_an_optimizer_state_of_other_parameters():
    saved = optimizer((1,), (2,)).state_dict()
    with pytest.raises(ValueError, match=r'groups of \[2\] .* of \[1\]'):
        check_state(saved, optimizer((1,)))
