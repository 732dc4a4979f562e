"""Signals to whole runs are in tests/test_engine/test_interruptions.py."""

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
