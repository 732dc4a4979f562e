import math
from collections import Counter
from collections.abc import Mapping, Sequence
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

    #: Published number of all images of an official part.
    PUBLISHED_TOTALS: Mapping[str, int] = {}

    #: Description of that part.
    TEST_RULE = 'the official test split'

    #: True if the copy has validation images: they are 'val', and none are
    #: held out. To be set before this class's constructor is called.
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
        if self.split == 'test' and self.fold is None:
            return self.TEST_PART
        if self.split == 'val' and self.has_val_part:
            return 'val'
        return 'train'

    @property
    def draw(self) -> dict[str, Any]:
        """Arguments by which images get into splits, alike in all splits."""
        held_out = dict(val_fraction=self.val_fraction, val_seed=self.val_seed)
        return super().draw | held_out

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Hold the validation share out of the training images."""
        samples = super().select_split(samples)
        if self.split == 'test' or self.has_val_part:
            return samples
        train, val = stratified_split(
            samples,
            self.val_fraction,
            self.val_seed,
            whole_groups=self.whole_groups is not None,
        )
        if self.split == 'val':
            self.warn_of_shared(val, train)
        if self.split == 'val' and samples and not val:
            largest = max(Counter(s.label for s in samples).values())
            least = math.ceil(50 / largest) / 100
            raise ValueError(
                f'val_fraction={self.val_fraction} of each class rounds to no '
                f'image: the largest class has {largest}. Set it to '
                f'{least} or more, or {self.other_validation}'
            )
        return val if self.split == 'val' else train

    def published_total(self) -> int | None:
        """Return the published number of images of the official part."""
        return self.PUBLISHED_TOTALS.get(self.official_part)

    def check_total(self, number: int) -> None:
        """Warn if the number of images is not the published one."""
        total = self.published_total()
        if total not in (None, number):
            self.unexpected_total = (
                f'there are {number} images, but {total} were published'
            )
            MMLogger.get_current_instance().warning(
                f'{self.head}: {self.unexpected_total}; is the copy complete '
                'and unchanged?'
            )

    @property
    def other_validation(self) -> str:
        """Alternative to held-out images, as an error's remedy."""
        return (
            f"use split='test' ({self.TEST_RULE}) knowing that the test "
            'result of a checkpoint selected on it is no longer fair'
        )

    def describe(self) -> dict[str, str]:
        """Describe the share held out, besides label rule and crop."""
        rules = super().describe()
        if self.split == 'test':
            if self.fold is None:
                rules['split_rule'] = self.TEST_RULE
        elif self.val_fraction == 0:
            rules['split_rule'] = f'all {self.train_rule}, nothing held out'
        else:
            part = 'held out of' if self.split == 'val' else 'the rest of'
            rules['split_rule'] = (
                f'{part} the {self.train_rule}, val_fraction='
                f'{self.val_fraction} of every class, val_seed={self.val_seed}'
            )
            if self.whole_groups is not None:
                rules['split_rule'] += (
                    f', whole groups by {self.whole_groups!r}'
                )
        return rules
