import copy
import inspect
import warnings
from typing import Any

import torch
from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import Optimizer

from mpafer_plugin.utils.quoting import quote

from .training_state import steps_to_cpu

OPTIMIZER = 'optimizer_type'
"""Key of a checkpoint: class name of the optimizer."""

HISTORY = (
    'last_step', '_global_step', 'best', 'num_bad_epochs', 'cooldown_counter'
)  # fmt: skip
"""Values of a ``ReduceOnPlateauParamScheduler`` that are not of its config."""

BOUNDS = ('initial_', 'max_', 'min_')
"""Prefixes of the values that schedulers store in an optimizer's groups."""


LIKE_PARAMETER = (
    'momentum_buffer', 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq'
)  # fmt: skip
"""State of SGD and Adam that has the shape of its parameter."""


def follow_config(runner, checkpoint: dict, batches_done: int) -> None:
    """Let optimizer and schedule continue as the config says, by position.

    mmengine (0.10.7) restores learning rate and schedulers as they were:
    another number of epochs, batch size or rate in the config has no effect.
    Here the checkpoint gives the position and the optimizer's state, such as
    momentum; the hyperparameters are those of the config, and the schedulers
    are stepped to the position. Under the same config the values are the
    same, bit for bit. A scheduler that follows the same validation results as
    in the file keeps what it has seen of them, and what it has made of the
    config's value. Several optimizers are restored as mmengine does it.

    Args:
        runner (Runner): A runner that resumes, with optimizer and schedulers
            as built.
        checkpoint (dict): Content of the file; it is changed.
        batches_done (int): Batches done of the epoch.

    Raises:
        ValueError: If the optimizer is of another class, or its state is
            wrong.
    """
    wrapper, meta = runner.optim_wrapper, checkpoint['meta']
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        length = len(runner.train_dataloader)
        iteration = meta['epoch'] * length + batches_done
        if iteration != meta['iter']:
            runner.logger.warning(
                f'the checkpoint is at iteration {meta["iter"]}, which is '
                f'{iteration} with {length} batches an epoch, as now'
            )
            meta['iter'] = iteration
    if not isinstance(wrapper, OptimWrapper) or isinstance(
        wrapper, OptimWrapperDict
    ):
        return
    kind, saved = type(wrapper.optimizer), checkpoint.get(OPTIMIZER)
    if saved not in (None, kind.__name__):
        raise ValueError(
            f'the checkpoint has the state of {saved}, the config has '
            f'optimizer.type={kind.__name__!r}: resume with {saved}, or start '
            'a new run from these weights: load_from=CHECKPOINT without '
            '--resume'
        )
    states = checkpoint.pop('param_schedulers', [])
    _step_schedulers(runner, meta['iter'], meta['epoch'])
    followed = _restore_histories(runner.param_schedulers or [], states)
    if 'optimizer' in checkpoint:
        steps_to_cpu(checkpoint)
        check_state(checkpoint['optimizer'], wrapper.optimizer)
        _set_hyperparameters(checkpoint['optimizer'], wrapper, followed)
        try_step(checkpoint['optimizer'], wrapper.optimizer)
    runner.logger.info(
        f'the schedule continues after iteration {meta["iter"]} of '
        f'{runner.max_iters}: lr {wrapper.get_lr()}'
    )


def _step_schedulers(runner, iterations: int, epochs: int) -> None:
    """Step the schedulers of a runner as training to a position does."""
    hooks = [h for h in runner.hooks if isinstance(h, ParamSchedulerHook)]
    length = 0
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        length = len(runner.train_dataloader)
    with warnings.catch_warnings():
        # Of steps of schedulers before those of the optimizer.
        warnings.simplefilter('ignore', UserWarning)
        # Beyond the last iteration nothing is trained.
        for done in range(1, min(iterations, runner.max_iters) + 1):
            for hook in hooks:
                hook.after_train_iter(runner, done - 1)
                if length and done % length == 0 and done <= epochs * length:
                    hook.after_train_epoch(runner)


def _restore_histories(schedulers: list, states: list) -> set[str]:
    """Restore what schedulers have seen of validation results.

    Returns:
        set[str]: Names of the values that they schedule, such as 'lr'.
    """
    followed = set()
    for scheduler, state in zip(schedulers, states, strict=False):
        if getattr(scheduler, 'need_val_args', False) and all(
            state.get(name) == getattr(scheduler, name)
            for name in ('param_name', 'monitor', 'rule')
        ):
            scheduler.load_state_dict({name: state[name] for name in HISTORY})
            followed.add(scheduler.param_name)
    return followed


def check_state(saved: dict[str, Any], optimizer: Optimizer) -> None:
    """Check that an optimizer's saved state is of this one's parameters.

    Raises:
        ValueError: If groups differ in number or size, or a value of
            :data:`LIKE_PARAMETER` has another shape.
    """
    own, groups = optimizer.param_groups, saved['param_groups']
    sizes, found = ([len(x['params']) for x in g] for g in (own, groups))
    if sizes != found:
        raise ValueError(
            f'the optimizer has groups of {quote(found)} parameters, here '
            f'they are of {quote(sizes)}'
        )
    parameters = [x for group in own for x in group['params']]
    numbers = [x for group in groups for x in group['params']]
    for number, parameter in zip(numbers, parameters, strict=True):
        for name, value in saved['state'].get(number, {}).items():
            is_tensor = isinstance(value, torch.Tensor)
            if name in LIKE_PARAMETER and not (
                value is None or (is_tensor and value.shape == parameter.shape)
            ):
                raise ValueError(
                    f'{name} of parameter {number} of the optimizer is '
                    f'{quote(value)}, not a tensor {tuple(parameter.shape)}'
                )


def try_step(saved: dict[str, Any], optimizer: Optimizer) -> None:
    """Try two steps of a copy of an optimizer with a saved state.

    Only torch's own optimizers are tried: others may need more for a step.
    Frozen parameters, which mmengine gives to optimizers too, are not copied.

    Raises:
        ValueError: If it fails, or leaves parameters that are not finite.
    """
    if not type(optimizer).__module__.startswith('torch.optim.'):
        return
    everything = [x for g in optimizer.param_groups for x in g['params']]
    kept = {id(x): x for x in everything if not x.requires_grad}
    trial, state = copy.deepcopy((optimizer, saved), kept)
    everything = [x for g in trial.param_groups for x in g['params']]
    parameters = [x for x in everything if x.requires_grad]
    try:
        trial.load_state_dict(state)
        # Negative second moments show at 0, at -1 a tensor that is in the
        # place of two.
        for gradient in (0.0, -1.0):
            for parameter in parameters:
                parameter.grad = torch.full_like(parameter, gradient)
            trial.step()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # of any kind, by what is wrong
        raise ValueError(
            'no step can be made with the state of the optimizer: '
            f'{type(error).__name__}: {str(error)[:200]}'
        ) from error
    if not all(x.isfinite().all() for x in parameters):
        raise ValueError(
            'steps with the state of the optimizer make parameters that are '
            'not finite'
        )


def _set_hyperparameters(
    state: dict[str, Any], wrapper: OptimWrapper, followed: set[str]
) -> None:
    """Replace the hyperparameters in an optimizer's saved state.

    These are the arguments of its class, and the bounds that schedulers
    store; other values of a group, which some optimizers keep there, are
    state. Values that follow validation results are scaled.
    """
    names = set(inspect.signature(type(wrapper.optimizer)).parameters)
    groups = [*state['param_groups']]
    if 'base_param_settings' in state:  # whose rate is logged
        groups.append(state['base_param_settings'])
    for saved, own in zip(groups, wrapper.param_groups, strict=False):
        scaled = {
            name: saved[name] * (own[first] / saved[first])
            for name in followed
            if saved[first := f'initial_{name}']
        }
        saved.update(
            (name, value)
            for name, value in own.items()
            if name != 'params' and (name in names or name.startswith(BOUNDS))
        )
        saved.update(scaled)
