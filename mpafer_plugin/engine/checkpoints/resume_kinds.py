"""Kinds of the values in a checkpoint that training continues from."""

import copy
from typing import Any

import torch
from mmengine.logging import HistoryBuffer

from mpafer_plugin.utils.numbers import is_whole

from .file import fits
from .schedule import OPTIMIZER
from .training_state import EARLY_STOPPING, GRADIENTS

POSITION = 'batches'
"""Key of a checkpoint: batches done of the epoch, and batches in total."""


def _is_seed(value: Any) -> bool:
    return value is None or is_whole(value, 0, 2**32 - 1)


def _is_hub(value: Any) -> bool:
    """Return whether a value is the state of mmengine's message hub."""
    kind = dict(log_scalars=dict, runtime_info=dict, resumed_keys=dict)
    return (
        fits(value, kind)
        and all(map(_is_history, value['log_scalars'].values()))
        and all(x is True for x in value['resumed_keys'].values())
    )


def _is_history(value: Any) -> bool:
    """Return whether a value is a buffer that takes further values."""
    if not isinstance(value, HistoryBuffer):
        return False
    try:
        trial = copy.deepcopy(value)
        trial.update(1.0)
        return bool(trial.mean(1) == trial.current() == 1.0)
    except Exception:  # of any kind, by what is wrong
        return False


def _is_optimizer(value: Any) -> bool:
    kind = dict(state=dict, param_groups=[dict(params=[is_whole])])
    if not (fits(value, kind) and fits([*value['state'].values()], [dict])):
        return False
    states = [x for state in value['state'].values() for x in state.values()]
    return all(map(_is_finite, states))


def _is_finite(value: Any) -> bool:
    return not isinstance(value, torch.Tensor) or bool(value.isfinite().all())


def _are_schedulers(value: Any) -> bool:
    if isinstance(value, dict):  # of several optimizers
        return all(_are_schedulers(x) for x in value.values())
    return fits(value, [dict])


def _is_early_stopping(value: Any) -> bool:
    """Return whether a value is counts and best scores by metric."""
    return isinstance(value, dict) and all(
        fits(x, list)
        and len(x) == 2
        and is_whole(x[0])
        and isinstance(x[1], float)  # infinite before the first
        for x in value.values()
    )


def _are_gradients(value: Any) -> bool:
    kind = dict(sums=dict, done=is_whole, counts=lambda x: is_whole(x, 1))
    return value == {} or (
        fits(value, kind)
        and all(
            isinstance(x, torch.Tensor) and bool(x.isfinite().all())
            for x in value['sums'].values()
        )
    )


KINDS: dict[str, tuple[Any, str]] = {
    'meta': (
        dict(epoch=is_whole, iter=is_whole, seed=_is_seed),
        'that of a run: a dict with epoch and iter, and seed if any',
    ),
    'message_hub': (_is_hub, "the state of mmengine's message hub"),
    'optimizer': (_is_optimizer, 'the state of an optimizer, finite'),
    'param_schedulers': (_are_schedulers, 'a list of states of schedulers'),
    POSITION: (
        lambda x: fits(x, [is_whole]) and len(x) == 2,
        'batches done, and in total',
    ),
    OPTIMIZER: (str, 'the name of an optimizer'),
    EARLY_STOPPING: (_is_early_stopping, 'a count and a score by metric'),
    GRADIENTS: (_are_gradients, 'finite sums, done and counts'),
}
"""Of each key: its kind, see fits(), in code and in words."""
