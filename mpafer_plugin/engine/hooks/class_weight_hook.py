from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpretrain.registry import HOOKS

from mpafer_plugin.datasets import ClassBalancedSampler
from mpafer_plugin.datasets.label_counts import count_labels

from ..dataloader_checks import sampler_of


@HOOKS.register_module()
class ClassWeightHook(Hook):
    """Weigh rare classes more in the classification loss.

    Before training it counts the training images. Of N images in C
    classes, one of a class with n images weighs N / (C n), so that each
    class weighs alike and the mean weight of an image is 1. With soft
    targets the largest decides for the count, and each class's part of a
    target has that class's weight.

    It sets ``class_weight`` of the head's loss: mmpretrain's
    ``CrossEntropyLoss``. The mean of a batch is over its images, not over
    their weights as in torch. Other loss terms are left alone.

    Raises:
        TypeError: If the loss has no ``class_weight``.
        ValueError: If the loss has class weights already, or a class has no
            images.
    """

    # Before DataReportHook, which tells what is in force.
    priority = 'HIGH'

    def before_train(self, runner) -> None:
        """Set the weights of the runner's head."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        # The host's tools that draw schedules train a stand-in without head.
        if not hasattr(model, 'head'):
            return
        loss: Any = getattr(model.head, 'loss_module', None)
        if not hasattr(loss, 'class_weight'):
            raise TypeError(
                f'the classification loss of a {type(model.head).__name__}, '
                f'{type(loss).__name__}, has no class_weight: use '
                'CrossEntropyLoss, or do without ClassWeightHook'
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
                'ClassWeightHook with a ClassBalancedSampler: the classes are '
                'balanced twice, and rare ones end up favoured. One of the '
                'two is enough'
            )
        shown = ', '.join(
            f'{name} {weight:.3f}'
            for name, weight in zip(labels.classes, weights, strict=True)
        )
        runner.logger.info(f'ClassWeightHook: weights in the loss: {shown}')
