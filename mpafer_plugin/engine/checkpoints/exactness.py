"""Limits of the promise that a resumed run ends as a whole one."""

from typing import Any

from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.optim import OptimWrapperDict

from mpafer_plugin.datasets.base_fer_dataset import BaseFERDataset
from mpafer_plugin.datasets.samplers import ResumableSampler

from ..runners.resumable_train_loop import ResumableTrainLoop
from .training_state import place_in_group


def warn_if_inexact(runner, checkpoint: dict[str, Any]) -> None:
    """Log one warning if a resumed run will not end as a whole one."""
    found = inexact_settings(runner)
    if 'optimizer' not in checkpoint:
        found.append(
            'the file has no state of the optimizer, which begins anew (a '
            'best_* file never has one)'
        )
    if found:
        runner.logger.warning(
            'the run is resumed, but not bit for bit: '
            f'{"; ".join(found)} (docs/checkpoints.md)'
        )


def inexact_settings(runner) -> list[str]:
    """List what keeps a resumed run from ending bit for bit like a whole one.

    Args:
        runner (Runner): A runner that resumes.
    """
    loop, loader = runner.train_loop, runner.train_dataloader
    found = []
    if not isinstance(loop, ResumableTrainLoop):
        found.append(
            f'train_cfg.type={type(loop).__name__!r} does not seed each '
            'iteration (ResumableTrainLoop does)'
        )
    sampler = getattr(loader, 'sampler', None)
    if not isinstance(sampler, ResumableSampler):
        found.append(
            f'the sampler {type(sampler).__name__} does not seed each image '
            '(ResumableSampler and ClassBalancedSampler do)'
        )
    for name in _unseeded(loader.dataset):
        found.append(f'augmentation in {name} is not seeded by image')
    device = next(runner.model.parameters()).device.type
    if device != 'cpu' and not runner.deterministic:
        found.append(
            f'some kernels on {device!r} add in no fixed order '
            '(randomness.deterministic=True chooses others)'
        )
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict) and any(
        place_in_group(part)[0] > 1 for part in wrapper.values()
    ):
        found.append('gradients that several optimizers accumulate are lost')
    return found


def _unseeded(dataset: Any) -> list[str]:
    """List the datasets and wrappers that drop the seed of an index."""
    if isinstance(dataset, ConcatDataset):
        names = [n for part in dataset.datasets for n in _unseeded(part)]
        return list(dict.fromkeys(names))
    if isinstance(dataset, RepeatDataset):
        return _unseeded(dataset.dataset)
    if isinstance(dataset, BaseFERDataset):
        return []
    return [type(dataset).__name__]
