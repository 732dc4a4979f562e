import inspect
import warnings
from typing import Any

from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop

OPTIMIZER = 'optimizer_type'
"""Key of a checkpoint: class name of the optimizer."""


def follow_config(runner, checkpoint: dict, batches_done: int) -> None:
    """Let optimizer and schedule continue as the config says, by position.

    mmengine (0.10.7) restores learning rate and schedulers as they were:
    another number of epochs, batch size or rate in the config has no effect.
    Here the checkpoint gives the position and the optimizer's state, such as
    momentum; the hyperparameters are those of the config, and the schedulers
    are stepped to the position. Under the same config the values are the
    same, bit for bit. A scheduler that follows validation results keeps its
    state, but begins and ends as the config says. Several optimizers are
    restored as mmengine does it.

    Args:
        runner (Runner): A runner that resumes, with optimizer and schedulers
            as built.
        checkpoint (dict): Content of the file; it is changed.
        batches_done (int): Batches done of the epoch.

    Raises:
        ValueError: If the optimizer is of another class.
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
    schedulers = runner.param_schedulers or []
    if any(getattr(s, 'need_val_args', False) for s in schedulers):
        states = checkpoint.get('param_schedulers', [])
        for scheduler, state in zip(schedulers, states, strict=False):
            state.update(begin=scheduler.begin, end=scheduler.end)
        return
    checkpoint.pop('param_schedulers', None)
    _step_schedulers(runner, meta['iter'], meta['epoch'])
    if 'optimizer' in checkpoint:
        _set_hyperparameters(checkpoint['optimizer'], wrapper)
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
        for done in range(1, iterations + 1):
            for hook in hooks:
                hook.after_train_iter(runner, done - 1)
                if length and done % length == 0 and done <= epochs * length:
                    hook.after_train_epoch(runner)


def _set_hyperparameters(state: dict[str, Any], wrapper: OptimWrapper) -> None:
    """Replace the hyperparameters in an optimizer's saved state.

    These are the arguments of its class; other values of a group, which some
    optimizers keep there, are state.
    """
    names = set(inspect.signature(type(wrapper.optimizer)).parameters)
    groups = [*state['param_groups']]
    if 'base_param_settings' in state:  # whose rate is logged
        groups.append(state['base_param_settings'])
    for saved, own in zip(groups, wrapper.param_groups, strict=False):
        saved.update(
            (name, value)
            for name, value in own.items()
            if name != 'params'
            and (name in names or name.startswith('initial_'))
        )
