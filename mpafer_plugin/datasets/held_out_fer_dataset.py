import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mmengine.logging import MMLogger

from .annotations import Sample
from .base_fer_dataset import BaseFERDataset
from .splits import stratified_split


class HeldOutFERDataset(BaseFERDataset):
    """Base of datasets without an official validation split.

    Selecting the epoch on the reported images overstates the result. So
    ``split='val'`` is a fixed share of every class of the official training
    images, ``split='train'`` is the rest, and ``split='test'`` is the part
    that papers report.

    Args:
        data_root (str): The folder of the dataset.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        val_fraction (float): Share of the training images that is held out
            as 'val', in [0, 1). 0 trains on all of them. Defaults to 0.1.
        val_seed (int): Seed of the held-out share. Defaults to 0.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If ``val_fraction`` is wrong, or 0 with ``split='val'``.
    """

    #: Official part of ``split='test'``.
    TEST_PART = 'test'

    #: Description of that part.
    TEST_RULE = 'the official test split'

    #: Description of the training part.
    TRAIN_RULE = 'official training images'

    #: True if the copy has validation images: they are 'val', and none are
    #: held out. To be set before this class's constructor is called.
    has_val_part = False

    #: How a user names the groups of images of which each is in one split
    #: alone, such as persons; None if images are drawn one by one.
    group: str | None = None

    #: The groups that images seem to have where none are named.
    likely_group: str | None = None

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        val_fraction: float = 0.1,
        val_seed: int = 0,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if not 0 <= val_fraction < 1:
            raise ValueError(
                f'val_fraction is {val_fraction!r}; it must be at least 0 and '
                'below 1'
            )
        if split == 'val' and val_fraction == 0 and not self.has_val_part:
            raise ValueError(
                f"{type(self).__name__}: split='val' with val_fraction=0 "
                'holds nothing out of the training images: set a '
                f'val_fraction above 0, or {self.other_validation}'
            )
        self.val_fraction = val_fraction
        self.val_seed = val_seed
        super().__init__(data_root, split, pipeline, **kwargs)

    @property
    def official_part(self) -> str:
        """Official part that the images are from."""
        if self.split == 'test':
            return self.TEST_PART
        return self.split if self.has_val_part else 'train'

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Hold the validation share out of the training images."""
        if self.split == 'test' or self.has_val_part:
            return samples
        train, val = stratified_split(
            samples,
            self.val_fraction,
            self.val_seed,
            whole_groups=self.group is not None,
        )
        groups = {sample.group for sample in val if sample.group}
        shared = groups.intersection(sample.group for sample in train)
        if self.split == 'val' and shared:
            MMLogger.get_current_instance().warning(
                f'{type(self).__name__} in {self.data_root!r}: '
                f'{len(shared)} of the {len(groups)} persons (or clips) of '
                f'the validation images, such as {min(shared)!r}, are in the '
                'training images too, which overstates the validation '
                f'result. group={self.likely_group!r} keeps each in one split'
            )
        if self.split == 'val' and samples and not val:
            largest = max(Counter(s.label for s in samples).values())
            least = math.ceil(50 / largest) / 100
            raise ValueError(
                f'val_fraction={self.val_fraction} of each class rounds to no '
                f'image: the largest class has {largest}. Set it to '
                f'{least} or more, or {self.other_validation}'
            )
        return val if self.split == 'val' else train

    @property
    def other_validation(self) -> str:
        """Alternative to held-out images, as an error's remedy."""
        return (
            f"use split='test' ({self.TEST_RULE}) knowing that the test "
            'result of a checkpoint selected on it is no longer fair'
        )

    def describe(self) -> dict[str, str]:
        """Describe the share held out, besides label rule and crop."""
        if self.split == 'test':
            rule = self.TEST_RULE
        elif self.val_fraction == 0:
            rule = f'all {self.TRAIN_RULE}, nothing held out'
        else:
            part = 'held out of' if self.split == 'val' else 'the rest of'
            rule = (
                f'{part} the {self.TRAIN_RULE}, val_fraction='
                f'{self.val_fraction} of every class, val_seed={self.val_seed}'
            )
            if self.group is not None:
                rule += f', whole groups by {self.group!r}'
        return super().describe() | dict(split_rule=rule)
