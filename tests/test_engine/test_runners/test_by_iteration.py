"""IterBasedTrainLoop needs no other change of a config."""

import json
import math
import time
from pathlib import Path

import pytest

from tests.test_engine.test_checkpoints.test_schedule import Rates


@pytest.fixture
def train(build_runner, monkeypatch):
    """Function that trains by iteration and returns the rates."""
    monkeypatch.setattr(time, 'sleep', lambda seconds: None)

    def run(max_iters, **options):
        loop = dict(
            _delete_=True,
            type='IterBasedTrainLoop',
            max_iters=max_iters,
            val_interval=15,
        )
        runner = build_runner(train_cfg=loop, **options)
        hook = Rates()
        runner.register_hook(hook)
        runner.train()
        return runner, hook.rates

    return run


def test_schedule_files_and_log_count_iterations(train):
    runner, rates = train(30)
    length = len(runner.train_dataloader)
    assert length < 15
    for iteration in range(length, 30):
        cosine = (1 + math.cos(math.pi * iteration / 30)) / 2
        assert rates[iteration] == pytest.approx(0.032 * cosine, rel=1e-6)
    folder = Path(runner.work_dir)
    passes = [n for n in (length, 2 * length, 3 * length) if n <= 30]
    kept = sorted({*passes, 30})[-2:]
    assert sorted(p.name for p in folder.glob('iter_*')) == sorted(
        f'iter_{n}.pth' for n in kept
    )
    (best,) = folder.glob('best_*')
    assert best.name in [f'best_fer_accuracy_iter_{n}.pth' for n in (15, 30)]
    (log,) = folder.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line['step'] for line in lines if 'fer/accuracy' in line]
    assert steps == [15, 30]


def test_more_iterations(train, tmp_path):
    _, expected = train(30, work_dir=str(tmp_path / 'whole'))
    train(20)
    _, rates = train(30, resume=True)
    assert rates == {i: expected[i] for i in range(20, 30)}


def test_a_schedule_by_epoch_is_an_error(train):
    with pytest.raises(ValueError, match=r'StepLR.*by_epoch=False'):
        train(30, param_scheduler=[dict(type='StepLR', step_size=1)])
