"""What a GPU or a Mac asks of training, watched on the CPU."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.engine import PrototypeHook, ResumableTrainLoop
from tests.waits import Waits


def test_a_step_reads_the_norm_and_the_losses(build_runner, monkeypatch):
    """Each read is a wait: mmengine's of the norm, the guard's of all losses.

    The preprocessor of mmpretrain also waits for the copy of the labels.
    """
    runner = build_runner()
    waits, counts = Waits(monkeypatch), []
    run_iter = ResumableTrainLoop.run_iter

    def count(*args):
        before = waits.count
        with waits:
            run_iter(*args)
        counts.append(waits.count - before)

    monkeypatch.setattr(ResumableTrainLoop, 'run_iter', count)
    runner.train()
    assert counts == [3] + 9 * [2]  # and once, whether prototypes are set
    losses = runner.message_hub.get_scalar('train/loss_cls').data[0]
    assert len(set(losses)) == 10  # logged as before


class NoFloat64(TorchDispatchMode):
    """Refuse tensors of float64, which a Mac's GPU does not have.

    NumPy's memory seen as a tensor is that of the CPU.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        double = getattr(found, 'dtype', None) == torch.float64
        if double and func is not torch.ops.aten.lift_fresh.default:
            raise TypeError(f'{func} makes a tensor of float64')
        return found


@pytest.mark.parametrize(
    'config', ['mpafer_rafdb.py', 'mpafer_plus_rafdb.py', 'mpafer_ferplus.py']
)
def test_nothing_is_float64(build_runner, config):
    runner = build_runner(config)
    image = np.zeros((20, 30, 3), np.uint8)
    hooks = [hook for hook in runner.hooks if isinstance(hook, PrototypeHook)]
    with NoFloat64():
        with pytest.raises(TypeError, match='float64'):
            torch.zeros(1).double()
        runner.train()  # an epoch, with prototypes and validation
        inferencer = FERInferencer(runner.model.eval(), face='none')
        inferencer([image, image])
        inferencer.explain(image)
    assert hooks and runner.model.head.prototypes.isfinite().all()
