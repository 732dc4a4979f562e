import os

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import IterBasedTrainLoop
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader

from mpafer_plugin.datasets import ClassBalancedSampler, HeldOutFERDataset
from mpafer_plugin.datasets.wrappers import inner_datasets

from ..dataloader_checks import check_batch_shares, length, sampler_of
from ..distributed import unwrap_model
from ..runners.resumable_train_loop import ResumableTrainLoop


@HOOKS.register_module()
class DataReportHook(Hook):
    """Log of the training data pipeline, with checks of the datasets.

    Before training the hook logs sampler, images, batch size, number of
    batches, class weights and transforms. (Counts, label rule, split and crop
    are logged by the dataset itself.)

    Raises:
        ValueError: If a validation is configured without images or with
            images that are trained on, or if the processes cannot share the
            batches.
    """

    # After ClassWeightHook, before the prototypes are computed.
    priority = 'ABOVE_NORMAL'

    def before_train(self, runner) -> None:
        """Check the datasets and log the data pipeline."""
        loader = runner.train_dataloader
        # The host's tools that draw schedules train from a stand-in.
        if not isinstance(loader, DataLoader):
            return
        endless = isinstance(runner.train_loop, IterBasedTrainLoop)
        # This loop has checked them when it was built.
        if not isinstance(runner.train_loop, ResumableTrainLoop):
            check_batch_shares(loader, endless)
        if runner.val_loop is not None:
            validated = runner.val_dataloader.dataset
            if length(validated) == 0:
                raise ValueError(
                    f'validation is configured, but its dataset, a '
                    f'{type(validated).__name__}, has no images: give it '
                    'some, or switch validation off with val_dataloader=None, '
                    'val_cfg=None and val_evaluator=None'
                )
            _check_held_out(loader.dataset, validated)
        model = unwrap_model(runner.model)
        lines = [
            'training data:',
            f'  sampler: {_sampler_text(loader)}',
            f'  images: {_shown(length(loader.dataset))}; batches of '
            f'{_shown(loader.batch_size)} x {get_world_size()} process(es)',
            f'  iterations: {runner.max_iters:,}'
            if endless
            else f'  batches an epoch: {_shown(length(loader))}',
            f'  class weights: {_weights_text(model, loader.dataset)}',
        ]
        for names in dict.fromkeys(_transforms(loader.dataset)):
            lines.append(f'  transforms: {", ".join(names) or "none"}')
        mixing = getattr(
            getattr(model, 'data_preprocessor', None), 'batch_augments', None
        )
        if mixing is not None:
            names = tuple(
                type(augment).__name__ for augment in mixing.augments
            )
            lines.append(f'  mixing of batches: {", ".join(names)}')
        runner.logger.info('\n'.join(lines))


def _shown(number: int | None) -> str:
    return 'unknown number' if number is None else f'{number:,}'


def _check_held_out(train, val) -> None:
    """Refuse to validate on images that are trained on."""
    for reader in _held_out(train):
        for other in _held_out(val):
            ours, theirs = (
                (r.val_fraction, r.val_seed) for r in (reader, other)
            )
            kin = isinstance(reader, type(other)) or isinstance(
                other, type(reader)
            )
            roots = {os.path.realpath(r.root.path) for r in (reader, other)}
            if not kin or len(roots) > 1 or reader.split != 'train':
                continue
            if other.split == 'train':
                MMLogger.get_current_instance().warning(
                    "validation reads split='train', the training images: "
                    'what is chosen by it is chosen by memory'
                )
            elif other.split == 'val' and ours != theirs:
                raise ValueError(
                    'the training data holds out another share than is '
                    'validated on, so images would be in both: '
                    f'(val_fraction, val_seed) is {ours} in training and '
                    f'{theirs} in validation. Give both the same'
                )


def _held_out(dataset) -> list[HeldOutFERDataset]:
    """List the datasets that hold images out, also inside wrappers."""
    return [
        inner
        for inner in inner_datasets(dataset)
        if isinstance(inner, HeldOutFERDataset) and not inner.has_val_part
    ]


def _sampler_text(loader) -> str:
    sampler = sampler_of(loader)
    text = type(sampler).__name__
    if hasattr(sampler, 'shuffle'):
        text += f', shuffle={sampler.shuffle}'
    if isinstance(sampler, ClassBalancedSampler):
        if sampler.oversample_thr is None:
            return f'{text}, each class equally often'
        return f'{text}, classes below {sampler.oversample_thr:.0%} more often'
    return f'{text}, classes not balanced'


def _weights_text(model, dataset) -> str:
    loss = getattr(getattr(model, 'head', None), 'loss_module', None)
    weights = getattr(loss, 'class_weight', None)
    if weights is None:
        return 'none'
    classes = getattr(dataset, 'metainfo', {}).get('classes', [])
    if len(classes) != len(weights):
        classes = range(len(weights))
    return ', '.join(
        f'{name} {weight:.3f}'
        for name, weight in zip(classes, weights, strict=True)
    )


def _transforms(dataset) -> list[tuple[str, ...]]:
    """List the names of the transforms of each dataset inside wrappers."""
    return [
        tuple(
            type(step).__name__
            for step in getattr(
                getattr(inner, 'pipeline', None), 'transforms', []
            )
        )
        for inner in inner_datasets(dataset)
    ]
