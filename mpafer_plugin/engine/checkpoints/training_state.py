"""State of training that mmengine (0.10.7) leaves out of checkpoints."""

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import EarlyStoppingHook

from ..distributed import unwrap_model

EARLY_STOPPING = 'early_stopping'
"""Key of a checkpoint: see :func:`early_stopping_state`."""

GRADIENTS = 'gradients'
"""Key of a checkpoint: see :func:`accumulated_gradients`."""


def restore_training_state(runner, checkpoint: dict[str, Any]) -> None:
    """Restore what :class:`SafeCheckpointHook` saves beside mmengine's."""
    restore_early_stopping(runner, checkpoint.get(EARLY_STOPPING, {}))
    if checkpoint.get(GRADIENTS):
        iteration = checkpoint['meta']['iter']
        restore_gradients(runner, checkpoint[GRADIENTS], iteration)


def steps_to_cpu(checkpoint: dict[str, Any]) -> None:
    """Move an optimizer's counts of steps to the CPU, where torch keeps them.

    mmengine (0.10.7) loads them to the GPU, which Adam then waits for, twice
    for each parameter at each step.
    """
    for state in checkpoint.get('optimizer', {}).get('state', {}).values():
        if isinstance(state.get('step'), torch.Tensor):
            state['step'] = state['step'].cpu()


def early_stopping_state(runner) -> dict[str, list]:
    """Return validations without improvement, and best score, by metric."""
    return {
        hook.monitor: [hook.wait_count, float(hook.best_score)]
        for hook in _early_stopping_hooks(runner)
    }


def restore_early_stopping(runner, state: dict[str, list]) -> None:
    """Restore the counts, and stop training that they have stopped."""
    for hook in _early_stopping_hooks(runner):
        if hook.monitor not in state:
            continue
        hook.wait_count, hook.best_score = state[hook.monitor]
        threshold = hook.stopping_threshold
        reached = threshold is not None and hook.rule_map[hook.rule](
            hook.best_score, threshold
        )
        if reached or hook.wait_count >= hook.patience:
            runner.train_loop.stop_training = True
            runner.logger.warning(
                f'EarlyStoppingHook has stopped this run: best {hook.monitor} '
                f'{hook.best_score:.4g}, {hook.wait_count} validations '
                f'without improvement, patience={hook.patience}, '
                f'stopping_threshold={threshold}. Raise these to train on'
            )


def _early_stopping_hooks(runner) -> list[EarlyStoppingHook]:
    return [h for h in runner.hooks if isinstance(h, EarlyStoppingHook)]


def accumulated_gradients(runner) -> dict[str, Any]:
    """Return gradients that no optimizer step has used yet.

    All processes have to call it: the mean over them is taken.

    Returns:
        dict[str, Any]: ``sums`` by parameter, ``done`` and ``counts``:
        iterations in the sums, and in a whole group. Empty between groups.
    """
    counts, done = place_in_group(runner.optim_wrapper)
    if not done:
        return {}
    sums = {}
    for name, parameter in unwrap_model(runner.model).named_parameters():
        if parameter.grad is not None:
            mean = parameter.grad.clone()
            all_reduce(mean, op='mean')
            sums[name] = mean.cpu()
    return dict(sums=sums, done=done, counts=counts) if sums else {}


def restore_gradients(runner, saved: dict[str, Any], iteration: int) -> None:
    """Restore accumulated gradients, if the group continues as it began."""
    counts, _ = place_in_group(runner.optim_wrapper)
    if (counts, iteration % counts) != (saved['counts'], saved['done']):
        runner.logger.warning(
            f'the gradients of the last {saved["done"]} iterations are lost: '
            f'the checkpoint has accumulative_counts={saved["counts"]}, now '
            f'it is {counts}, or the epochs have other lengths'
        )
        return
    for name, parameter in unwrap_model(runner.model).named_parameters():
        if name in saved['sums']:
            parameter.grad = saved['sums'][name].to(parameter)
    mean, size = '', get_world_size()
    if size > 1:
        mean = f' but for the rounding of a mean over {size} processes'
    runner.logger.info(
        f'the gradients of the last {saved["done"]} iterations are restored'
        f'{mean}; a warning of mmengine that they are lost is not true'
    )


def place_in_group(optim_wrapper) -> tuple[int, int]:
    """Return the iterations of a group, and those done of the current one."""
    counts = getattr(optim_wrapper, '_accumulative_counts', 1)
    return counts, optim_wrapper.inner_count % counts if counts > 1 else 0
