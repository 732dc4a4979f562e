import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .annotations import Sample
from .base_fer_dataset import BaseFERDataset
from .splits import check_fraction, stratified_split


class HeldOutFERDataset(BaseFERDataset):
    """Base of readers whose dataset has no split to choose an epoch by.

    Choosing on what is reported overstates the result. So ``split='val'`` is
    a fixed share of the official training images, the same of every class,
    ``split='train'`` is the rest, and ``split='test'`` is what papers report.

    Args:
        data_root (str): The folder of the dataset.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        val_fraction (float): Share of the training images that is held out
            as 'val', in [0, 1). 0 trains on all of them. Defaults to 0.1.
        val_seed (int): Fixes which images are held out. Defaults to 0.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If ``val_fraction`` is wrong, or 0 with ``split='val'``.
    """

    #: The official part that ``split='test'`` is.
    TEST_PART = 'test'

    #: The same in words.
    TEST_RULE = 'the official test split'

    #: What the training part is, in words.
    TRAIN_RULE = 'official training images'

    #: Whether the copy has validation images of its own, which are 'val'
    #: then, so that none is held out. A child that can have some sets this
    #: before it calls this class's constructor.
    has_val_part = False

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        val_fraction: float = 0.1,
        val_seed: int = 0,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        check_fraction(val_fraction)
        if split == 'val' and val_fraction == 0 and not self.has_val_part:
            raise ValueError(
                f"{type(self).__name__}: split='val' with val_fraction=0 "
                'holds nothing out of the training images: give a '
                f'val_fraction above 0, or {self.other_val_text()}'
            )
        self.val_fraction = val_fraction
        self.val_seed = val_seed
        super().__init__(data_root, split, pipeline, **kwargs)

    @property
    def official_part(self) -> str:
        """The official part that the images are from."""
        if self.split == 'test':
            return self.TEST_PART
        return self.split if self.has_val_part else 'train'

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Hold the validation share out of the training images."""
        if self.split == 'test' or self.has_val_part:
            return samples
        train, val = stratified_split(
            samples, self.val_fraction, self.val_seed
        )
        if self.split == 'val' and samples and not val:
            largest = max(Counter(s.label for s in samples).values())
            least = math.ceil(50 / largest) / 100
            raise ValueError(
                f'val_fraction={self.val_fraction} of each class rounds to no '
                f'image: the largest class has {largest}. Give one of '
                f'{least} or more, or {self.other_val_text()}'
            )
        return val if self.split == 'val' else train

    def other_val_text(self) -> str:
        """Say in words what to choose by where nothing is held out."""
        return (
            f"use split='test' ({self.TEST_RULE}) knowing that what is "
            'chosen on it is no fair test result'
        )

    def split_rule_text(self) -> str:
        """Say in words which images make the split."""
        if self.split == 'test':
            return self.TEST_RULE
        if self.val_fraction == 0:
            return f'all {self.TRAIN_RULE}, nothing held out'
        part = 'held out of' if self.split == 'val' else 'left of'
        return (
            f'{part} the {self.TRAIN_RULE}, val_fraction='
            f'{self.val_fraction} of every class, val_seed={self.val_seed}'
        )
