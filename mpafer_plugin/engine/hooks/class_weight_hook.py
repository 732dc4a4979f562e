from collections.abc import Iterable
from typing import Any

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from mpafer_plugin.datasets import ClassBalancedSampler
from mpafer_plugin.datasets.label_counts import count_labels

from ..dataloader_checks import sampler_of
from ..distributed import unwrap_model


@HOOKS.register_module()
class ClassWeightHook(Hook):
    """Class weights, inverse to class frequency, in the classification loss.

    Before training the images of each class are counted. Of N images in C
    classes, an image of a class with n images has weight N / (C n), so that
    all classes have the same total weight and the mean weight is 1. An image
    with a soft target counts for its largest target, and each class's share
    of the target is weighted by that class.

    The hook sets ``class_weight`` of the head's ``CrossEntropyLoss``
    (mmpretrain's), which averages over the images of a batch, not over their
    weights as torch does. Other loss terms do not change.

    Raises:
        TypeError: If the loss has no ``class_weight``.
        ValueError: If the loss has class weights already, or a class has no
            images.
    """

    # Before DataReportHook, which logs the weights.
    priority = 'HIGH'

    def before_train(self, runner) -> None:
        """Set the class weights in the loss of the runner's head."""
        model = unwrap_model(runner.model)
        # The host's tools that draw schedules train a stand-in without head.
        if not hasattr(model, 'head'):
            return
        loss: Any = getattr(model.head, 'loss_module', None)
        if not hasattr(loss, 'class_weight'):
            raise TypeError(
                f'the classification loss of a {type(model.head).__name__}, '
                f'{type(loss).__name__}, has no class_weight: use '
                'CrossEntropyLoss, or remove ClassWeightHook'
            )
        if loss.class_weight is not None:
            raise ValueError(
                f'the loss has class_weight={loss.class_weight} already: '
                'choose one, class_weight in the config of the loss or '
                'ClassWeightHook'
            )
        loader = runner.train_dataloader
        labels = count_labels(loader.dataset)
        weights = len(labels.labels) / len(labels.classes) / labels.counts
        loss.class_weight = weights.tolist()
        if isinstance(sampler_of(loader), ClassBalancedSampler):
            runner.logger.warning(
                'ClassWeightHook with a ClassBalancedSampler: classes are '
                'balanced twice, so that rare ones dominate. Use one of the '
                'two'
            )
        shown = format_weights(labels.classes, weights)
        runner.logger.info(f'ClassWeightHook: weights in the loss: {shown}')


def format_weights(classes: Iterable, weights: Iterable[float]) -> str:
    """Format the weights of classes for the log."""
    return ', '.join(
        f'{name} {weight:.3f}'
        for name, weight in zip(classes, weights, strict=True)
    )
