import posixpath
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mmengine.logging import MMLogger

from .annotations import Sample, read_leave_out
from .data_root import DataRoot
from .folds import Fold
from .relabel import Merge
from .splits import choose_subset


class SplitChoice:
    """Choice of a split's images among those of an official part.

    A mixin of :class:`BaseFERDataset`, whose arguments set the attributes:
    persons, folds, images to leave out and subsets.
    """

    #: Description of the training part.
    TRAIN_RULE = 'official training images'

    #: How a user names the groups of images of which each is in one split
    #: alone, such as persons; None if images are drawn one by one.
    group: str | None = None

    #: The groups that images seem to have where none are named.
    likely_group: str | None = None

    split: str
    root: DataRoot
    leave_out: str | None
    subset: dict | None
    subject: str | None
    fold: Fold | None
    merge: Merge | None
    _crops: DataRoot | None

    @property
    def official_part(self) -> str:
        """Official part that the images are from."""
        return 'train' if self.fold and self.split == 'test' else self.split

    @property
    def whole_groups(self) -> str | None:
        """Name of the groups that are kept whole; None for single images."""
        return self.group if self.subject is None else self.subject

    @property
    def draw(self) -> dict[str, Any]:
        """Arguments by which images get into splits, alike in all splits."""
        fold = self.fold
        return dict(
            folds=fold and fold.number,
            fold=fold and fold.index,
            fold_seed=fold and fold.seed,
            subject=self.whole_groups,
            merge=self.merge,
        )

    @property
    def train_rule(self) -> str:
        """Description of the training images, less those of the fold."""
        if self.fold is None:
            return self.TRAIN_RULE
        return f'{self.TRAIN_RULE} without {self.fold}'

    @property
    def split_rule(self) -> str:
        """Description of the split."""
        if self.fold is None or self.official_part != 'train':
            return f'the official {self.split} split'
        rule = f'the {self.train_rule}'
        if self.split == 'test':
            rule = f'{self.fold} of the {self.TRAIN_RULE}'
        if self.whole_groups is not None:
            rule += f', whole groups by {self.whole_groups!r}'
        return rule

    @property
    def head(self) -> str:
        """Beginning of messages: class, split and folder."""
        return f'{type(self).__name__} {self.split!r} in {self.root.path!r}'

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Choose the split's samples from the part's samples.

        Returns:
            list[Sample]: All of them, without ``folds``.
        """
        if self.fold is None or self.official_part != 'train':
            return samples
        whole = self.whole_groups is not None
        rest, inside = self.fold.split(samples, whole)
        if self.split == 'test':
            self.warn_of_shared(inside, rest)
            return inside
        return rest

    def choose(self, samples: list[Sample]) -> tuple[list[Sample], str]:
        """Choose the split's images, less those left out, or their subset.

        Args:
            samples (list[Sample]): All samples of the part.

        Returns:
            tuple[list[Sample], str]: The images, and a clause about those
            that are not in the split, for its rule.

        Raises:
            ValueError: If there are too few images, or persons.
        """
        try:
            selected = self.select_split(samples)
            chosen, text = self.without_left_out(selected)
            if self.subset is not None:
                chosen = choose_subset(chosen, **self.subset)
        except ValueError as error:
            raise ValueError(f'{self.head}: {error}') from error
        if self.subset is not None:
            rule = ', '.join(f'{k}={v}' for k, v in self.subset.items())
            text += f', of these the subset {rule}'
        return chosen, text

    def without_left_out(
        self, samples: list[Sample]
    ) -> tuple[list[Sample], str]:
        """Remove the images listed in ``leave_out``.

        Returns:
            tuple[list[Sample], str]: The samples that are left, and a clause
            with the number of those removed.
        """
        if self.leave_out is None:
            return samples, ''
        listed = self._leave_out_paths
        paths = [posixpath.normpath(sample.path) for sample in samples]
        kept = [
            sample
            for sample, path in zip(samples, paths, strict=True)
            if path not in listed
        ]
        return kept, (
            f', without {len(listed.intersection(paths))} of the '
            f'{len(listed)} images that {self.leave_out!r} lists'
        )

    def warn_of_shared(
        self, chosen: Sequence[Sample], others: Sequence[Sample]
    ) -> None:
        """Warn of groups in the split that are in training images too."""
        groups = {sample.group for sample in chosen if sample.group}
        shared = groups.intersection(sample.group for sample in others)
        if shared and self.likely_group is not None:
            MMLogger.get_current_instance().warning(
                f'{self.head}: {len(shared)} of the {len(groups)} persons '
                f'(or clips) of these images, such as {min(shared)!r}, are in '
                'the training images too, which overstates the result. '
                f'group={self.likely_group!r} keeps each in one split'
            )

    @cached_property
    def _leave_out_paths(self) -> set[str]:
        """Normalized paths listed in ``leave_out``."""
        assert self.leave_out is not None
        return read_leave_out(self.leave_out, self.root, self._crops)
