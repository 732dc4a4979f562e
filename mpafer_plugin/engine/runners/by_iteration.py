from collections.abc import Mapping

from mmengine.hooks import LoggerHook


def count_by_iteration(runner) -> None:
    """Log by iteration, as a loop over iterations needs it.

    mmengine (0.10.7) wants this in the config too, and otherwise logs all
    validations as step 0.

    Args:
        runner (Runner): A runner whose loop is an ``IterBasedTrainLoop``.

    Raises:
        ValueError: If a scheduler counts epochs, of which this loop has one.
    """
    runner.log_processor.by_epoch = False
    for hook in runner.hooks:
        if isinstance(hook, LoggerHook):
            hook.log_metric_by_epoch = False
    configs = runner.cfg.get('param_scheduler') or []
    for config in [configs] if isinstance(configs, Mapping) else configs:
        converted = config.get('convert_to_iter_based') and 'end' in config
        if config.get('by_epoch', True) and not converted:
            raise ValueError(
                f'param_scheduler: {config.get("type")} counts epochs, and a '
                f'{type(runner.train_loop).__name__} trains '
                f'{runner.max_iters} iterations: set by_epoch=False'
            )
