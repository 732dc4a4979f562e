import copy

from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    Compose,
    ConcatDataset,
    RepeatDataset,
)
from mmpretrain.registry import TRANSFORMS


def without_augmentation(
    dataset: BaseDataset, pipeline: list[dict]
) -> BaseDataset:
    """Copy a dataset, with another pipeline for its own.

    Raises:
        TypeError: If it is wrapped in something that is not understood.
    """
    if isinstance(dataset, (RepeatDataset, ClassBalancedDataset)):
        # Repeating images does not move the mean of a class.
        return without_augmentation(dataset.dataset, pipeline)
    dataset = copy.copy(dataset)
    if isinstance(dataset, ConcatDataset):
        dataset.datasets = [
            without_augmentation(part, pipeline) for part in dataset.datasets
        ]
    elif isinstance(dataset, BaseDataset):
        dataset.pipeline = Compose(
            [TRANSFORMS.build(transform) for transform in pipeline]
        )
    else:
        raise TypeError(
            f'a {type(dataset).__name__} cannot be read without its '
            'augmentation; understood are BaseDataset and its '
            'RepeatDataset, ClassBalancedDataset and ConcatDataset'
        )
    return dataset
