"""Early stopping and accumulated gradients survive an interruption."""

import os
import signal
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch._subclasses.fake_tensor import FakeTensorMode

from mpafer_plugin.engine.checkpoints import schedule
from mpafer_plugin.engine.checkpoints.training_state import steps_to_cpu
from mpafer_plugin.evaluation import FERMetric

EPOCHS = 'train_cfg.max_epochs'


@pytest.fixture
def stop_early(build_runner, monkeypatch):
    """Function that trains with given scores until training stops."""

    def run(scores, epochs=8, **options):
        runner = build_runner(**{EPOCHS: epochs})
        cfg = runner.cfg.copy()
        stopping = dict(
            type='EarlyStoppingHook',
            monitor='fer/accuracy',
            rule='greater',
            min_delta=1,
            **options,
        )
        cfg.custom_hooks = [*cfg.custom_hooks, stopping]
        cfg.resume = True
        cfg.experiment_name += 'stopping'
        runner = type(runner).from_cfg(cfg)
        monkeypatch.setattr(
            FERMetric,
            'compute_metrics',
            lambda *_: dict(accuracy=scores[runner.epoch - 1]),
        )
        runner.train()
        return runner.epoch

    return run


SCORES = [50, 60, 40, 40, 40, 40, 40, 40]


def test_the_count_goes_on(stop_early):
    assert stop_early(SCORES, epochs=4, patience=3) == 4
    assert stop_early(SCORES, patience=3) == 5
    # It has stopped, and does so until the patience is raised.
    assert stop_early(SCORES, patience=3) == 5
    assert stop_early(SCORES, patience=5) == 7


def test_a_threshold_that_was_reached(stop_early):
    assert stop_early(SCORES, stopping_threshold=55) == 2
    assert stop_early(SCORES, stopping_threshold=55) == 2
    assert stop_early(SCORES, stopping_threshold=65, patience=2) == 4


class Terminate(Hook):
    """SIGTERM after an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.iteration:
            os.kill(os.getpid(), signal.SIGTERM)


ACCUMULATE = {'optim_wrapper.accumulative_counts': 4, EPOCHS: 2}
STATEFUL = [  # hooks with a state of their own
    dict(type='EMAHook', momentum=0.1, interval=3),
    dict(type='EarlyStoppingHook', monitor='fer/accuracy', patience=9),
]


def final_state(folder):
    """Weights, their average, optimizer and counts of the last checkpoint."""
    checkpoint = torch.load(Path(folder, 'epoch_2.pth'))
    names = ('state_dict', 'ema_state_dict', 'optimizer', 'early_stopping')
    return {name: checkpoint[name] for name in names}


def test_a_group_of_iterations_goes_on(load_config, tmp_path):
    """Amid an epoch, and at the end of one that is no multiple of it.

    With a moving average of the weights, and a count of validations.
    """

    def build(name, **options):
        cfg = load_config(
            'mpafer_rafdb.py', work_dir=str(tmp_path / name), **ACCUMULATE
        )
        cfg.merge_from_dict(options)
        cfg.custom_hooks = [*STATEFUL, *cfg.custom_hooks]
        cfg.experiment_name = f'{tmp_path.name}_{name}'
        return Runner.from_cfg(cfg)

    whole = build('whole')
    whole.train()
    length = len(whole.train_dataloader)
    assert length % 4

    stopped = build('stopped')
    stopped.register_hook(Terminate(length - 1))
    former = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        stopped.train()
    signal.signal(signal.SIGTERM, former)

    expected = final_state(whole.work_dir)
    files = [
        Path(stopped.work_dir, f'iter_{length - 1}.pth'),
        Path(whole.work_dir, 'epoch_1.pth'),
    ]
    for number, file in enumerate(files):
        resumed = build(f'resumed_{number}', resume=True, load_from=str(file))
        resumed.train()
        found = final_state(resumed.work_dir)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_another_group_loses_gradients_and_says_so(
    build_runner, tmp_path, capfd
):
    build_runner(**ACCUMULATE).train()
    file = tmp_path / 'work_dir' / 'epoch_1.pth'
    assert torch.load(file)['gradients']['counts'] == 4
    other = ACCUMULATE | {'optim_wrapper.accumulative_counts': 3}
    build_runner(resume=True, load_from=str(file), **other).train()
    out, err = capfd.readouterr()
    assert 'accumulative_counts=4, now it is 3' in out + err


def test_counts_of_steps_go_to_the_cpu():
    """A resumed Adam would wait for them; its moments stay on the GPU."""
    with FakeTensorMode():  # no GPU is needed
        state = {
            name: torch.empty(shape, device='cuda')
            for name, shape in (('step', ()), ('exp_avg', (2,)))
        }
        checkpoint = dict(optimizer=dict(state={0: state, 1: {}}))
        steps_to_cpu(checkpoint)
    assert state['step'].device.type == 'cpu'
    assert state['exp_avg'].device.type == 'cuda'
    steps_to_cpu({})


def test_resuming_moves_them(build_runner, monkeypatch):
    devices = []
    # Fake tensors cannot be stepped.
    monkeypatch.setattr(schedule, 'try_step', lambda *_: None)

    class FromGPU(Hook):
        priority = 'HIGHEST'

        def after_load_checkpoint(self, runner, checkpoint):
            with FakeTensorMode():
                for state in checkpoint['optimizer']['state'].values():
                    state['step'] = torch.empty((), device='cuda')

    class ToOptimizer(Hook):
        priority = 'LOWEST'

        def after_load_checkpoint(self, runner, checkpoint):
            for state in checkpoint['optimizer']['state'].values():
                devices.append(state['step'].device.type)
                state['step'] = torch.tensor(10.0)

    build_runner('mpafer_plus_rafdb.py').train()
    runner = build_runner('mpafer_plus_rafdb.py', resume=True, **{EPOCHS: 2})
    runner.register_hook(FromGPU())
    runner.register_hook(ToOptimizer())
    runner.train()
    assert devices == ['cpu'] * 3
