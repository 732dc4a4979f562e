import itertools
import os
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import IterBasedTrainLoop
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader

from mpafer_plugin.datasets import ClassBalancedSampler, HeldOutFERDataset
from mpafer_plugin.datasets.wrappers import inner_datasets

from ..dataloader_checks import (
    check_batch_shares,
    check_image_size,
    check_normalization,
    length,
    sampler_of,
)
from ..distributed import unwrap_model
from ..one_hot_labels import set_num_classes
from ..runners.resumable_train_loop import ResumableTrainLoop
from .class_weight_hook import format_weights


@HOOKS.register_module()
class DataReportHook(Hook):
    """Log of the training data pipeline, with checks of the datasets.

    Before training the hook logs sampler, images, batch size, number of
    batches, class weights and transforms. (Counts, label rule, split and crop
    are logged by the dataset itself.) One-hot labels, as Mixup makes them,
    get the head's number of classes.

    Raises:
        ValueError: If a validation is configured without images or with
            images that are trained on, if the processes cannot share the
            batches, if images are not of the tower's size, or if
            ``data_preprocessor.num_classes`` is not the head's.
    """

    # After ClassWeightHook, before the prototypes are computed.
    priority = 'ABOVE_NORMAL'

    def before_run(self, runner) -> None:
        """Set the number of classes of one-hot labels."""
        set_num_classes(runner.model)

    def before_train(self, runner) -> None:
        """Check the datasets and log the data pipeline."""
        loader = runner.train_dataloader
        # The host's tools that draw schedules train from a stand-in.
        if not isinstance(loader, DataLoader):
            return
        # ResumableTrainLoop has checked them when it was built.
        if not isinstance(runner.train_loop, ResumableTrainLoop):
            check_batch_shares(loader, _endless(runner))
        model = unwrap_model(runner.model)
        check_normalization(model)
        check_image_size(loader, 'training', model)
        if runner.val_loop is not None:
            _check_validation(loader.dataset, runner.val_dataloader.dataset)
            check_image_size(runner.val_dataloader, 'validation', model)
        runner.logger.info('\n'.join(_report(runner, loader)))


def _endless(runner) -> bool:
    return isinstance(runner.train_loop, IterBasedTrainLoop)


def _check_validation(train: Any, val: Any) -> None:
    """Refuse to validate on no images, or on images that are trained on."""
    if length(val) == 0:
        raise ValueError(
            f'validation is configured, but its dataset, a '
            f'{type(val).__name__}, has no images: give it some, or switch '
            'validation off with val_dataloader=None, val_cfg=None and '
            'val_evaluator=None'
        )
    for ours, theirs in itertools.product(_held_out(train), _held_out(val)):
        related = isinstance(ours, type(theirs)) or isinstance(
            theirs, type(ours)
        )
        roots = {os.path.realpath(d.root.path) for d in (ours, theirs)}
        if not related or len(roots) > 1 or ours.split != 'train':
            continue
        if theirs.split == 'train':
            MMLogger.get_current_instance().warning(
                "validation uses split='train', the training images: model "
                'selection on training data is meaningless'
            )
        for name, value in ours.draw.items():
            other = theirs.draw[name]
            if theirs.split == 'val' and value != other:
                raise ValueError(
                    'the training data holds out other images than validation '
                    f'uses, so images would be in both: {name} is {value!r} '
                    f'in training and {other!r} in validation. Give both the '
                    'same'
                )


def _held_out(dataset: Any) -> list[HeldOutFERDataset]:
    """List the datasets that hold images out, also inside wrappers."""
    return [
        inner
        for inner in inner_datasets(dataset)
        if isinstance(inner, HeldOutFERDataset) and not inner.has_val_part
    ]


def _report(runner, loader: DataLoader) -> list[str]:
    """Return the lines of the report."""
    model = unwrap_model(runner.model)
    loss = getattr(getattr(model, 'head', None), 'loss_module', None)
    weights = getattr(loss, 'class_weight', None)
    shown = 'none'
    if weights is not None:
        classes = getattr(loader.dataset, 'metainfo', {}).get('classes')
        shown = format_weights(classes or range(len(weights)), weights)
    lines = [
        'training data:',
        f'  sampler: {_sampler_text(sampler_of(loader))}',
        f'  images: {_number(length(loader.dataset))}; batches of '
        f'{_number(loader.batch_size)} x {get_world_size()} process(es)',
        f'  iterations: {runner.max_iters:,}'
        if _endless(runner)
        else f'  batches per epoch: {_number(length(loader))}',
        f'  class weights: {shown}',
    ]
    pipelines = [
        getattr(getattr(inner, 'pipeline', None), 'transforms', [])
        for inner in inner_datasets(loader.dataset)
    ]
    lines += dict.fromkeys(
        f'  transforms: {_type_names(steps)}' for steps in pipelines
    )
    preprocessor = getattr(model, 'data_preprocessor', None)
    mixing = getattr(preprocessor, 'batch_augments', None)
    if mixing is not None:
        lines.append(f'  mixing of batches: {_type_names(mixing.augments)}')
    return lines


def _number(value: int | None) -> str:
    return 'unknown number' if value is None else f'{value:,}'


def _type_names(steps: list) -> str:
    names = ['none' if s is None else type(s).__name__ for s in steps]
    return ', '.join(names) or 'none'


def _sampler_text(sampler: Any) -> str:
    text = type(sampler).__name__
    if hasattr(sampler, 'shuffle'):
        text += f', shuffle={sampler.shuffle}'
    if not isinstance(sampler, ClassBalancedSampler):
        return f'{text}, classes not balanced'
    if sampler.oversample_thr is None:
        return f'{text}, each class equally often'
    return f'{text}, classes below {sampler.oversample_thr:.0%} more often'
