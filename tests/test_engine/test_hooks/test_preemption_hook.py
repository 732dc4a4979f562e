"""Signals to whole runs are in tests/test_engine/test_interruptions.py."""

import os
import signal
import time
from types import SimpleNamespace

import pytest
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mpafer_plugin.engine.hooks import preemption_hook


@pytest.mark.parametrize(
    'loop, compared',
    [(EpochBasedTrainLoop, [10, 13, 20, 26]), (IterBasedTrainLoop, [10, 20])],
)
def test_processes_compare_every_ten_iterations(loop, compared, monkeypatch):
    """And after an epoch, before which all have as many iterations."""
    found = []
    monkeypatch.setattr(preemption_hook, 'get_world_size', lambda: 2)
    monkeypatch.setattr(
        preemption_hook,
        'all_reduce',
        lambda *args, **kwargs: found.append(runner.iter + 1),
    )
    runner = SimpleNamespace(
        train_loop=object.__new__(loop), train_dataloader=range(13)
    )
    hook = preemption_hook.PreemptionHook()
    for runner.iter in range(26):
        hook.after_train_iter(runner, runner.iter % 13)
    assert found == compared


def test_one_process_looks_after_each(monkeypatch):
    monkeypatch.setattr(preemption_hook, 'all_reduce', None)
    runner = SimpleNamespace(
        iter=3,
        hooks=[],
        logger=SimpleNamespace(warning=print),
    )
    hook = preemption_hook.PreemptionHook()
    hook.after_train_iter(runner, 3)
    hook._asked = True
    with pytest.raises(SystemExit) as exit:
        hook.after_train_iter(runner, 3)
    assert exit.value.code == preemption_hook.PREEMPTED


class Runner:
    def train(self, hook, step):
        hook.before_run(self)
        hook._training = True
        step()


@pytest.fixture
def received():
    """Signals that come to the handler from before the run."""
    numbers = []
    former = signal.signal(signal.SIGTERM, lambda n, frame: numbers.append(n))
    yield numbers
    signal.signal(signal.SIGTERM, former)


def test_a_signal_in_and_after_a_run_that_fails(received):
    hook = preemption_hook.PreemptionHook()

    def step():
        signal.raise_signal(signal.SIGTERM)
        raise ValueError

    with pytest.raises(ValueError):
        Runner().train(hook, step)
    assert hook._asked and received == []
    for count in (1, 2):
        signal.raise_signal(signal.SIGTERM)
        assert received == count * [signal.SIGTERM]


def test_a_forked_process_can_be_ended():
    """As `multiprocessing.Pool` ends its workers."""
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    reader, writer = os.pipe()
    children = []

    def fork():
        children.append(os.fork())
        if not children[0]:
            os.write(writer, b'.')
            time.sleep(60)
            os._exit(0)
        os.read(reader, 1)  # at its start Python forgets signals

    try:
        Runner().train(preemption_hook.PreemptionHook(), fork)
    finally:
        signal.signal(signal.SIGTERM, former)
    os.kill(children[0], signal.SIGTERM)
    _, status = os.waitpid(children[0], 0)
    assert os.WTERMSIG(status) == signal.SIGTERM
