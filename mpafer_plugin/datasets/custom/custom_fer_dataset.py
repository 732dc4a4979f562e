from collections.abc import Mapping, Sequence
from typing import Any

from ..annotations import Sample
from ..data_root import DataRoot
from ..held_out_fer_dataset import HeldOutFERDataset
from .class_names import find_classes, match_classes


class CustomFERDataset(HeldOutFERDataset):
    """Base of datasets of a user's own images, with any classes.

    A subclass finds the names by which images are labelled
    (:meth:`find_names`) and reads one part (:meth:`read_part`). The parts are
    'train', 'val' and 'test'; without 'val', a share of 'train' is held out.

    Args:
        data_root (str): The folder of the dataset.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        classes (str | Sequence[str], optional): The classes in label order,
            or a text file of them. Known expressions are matched by alias,
            so 'Happy' is 'happiness'; other names must be the same. Defaults
            to None, which means the names found in all parts: known
            expressions in canonical order, then the others sorted.
        val_fraction (float): Share of the training images that is held out
            as 'val', in [0, 1), if there are no validation images. Defaults
            to 0.1.
        val_seed (int): Seed of the held-out share. Defaults to 0.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        backend_args (dict, optional): See :class:`BaseFERDataset`. Defaults
            to None.
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument is wrong, or a name is not a class.
        FileNotFoundError: If the split's images are absent.
    """

    TEST_RULE = 'the test images'

    TRAIN_RULE = 'training images'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        classes: str | Sequence[str] | None = None,
        val_fraction: float = 0.1,
        val_seed: int = 0,
        pipeline: Sequence = (),
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        self.root = DataRoot(data_root, backend_args)
        if not self.root.is_folder():
            raise FileNotFoundError(f'data_root: {self.root.describe()}')
        self.names = self.find_names()
        self.has_val_part = 'val' in self.names
        super().__init__(
            data_root,
            split,
            val_fraction,
            val_seed,
            pipeline,
            classes=classes,
            backend_args=backend_args,
            **kwargs,
        )

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Find the names by which images are labelled.

        Returns:
            Mapping[str, Mapping[str, str]]: Each part that exists, to its
            names as written, to the place of each, for messages.
        """
        raise NotImplementedError

    def read_part(self, part: str) -> list[Sample]:
        """Read the images of one part, with labels as written.

        Args:
            part (str): One of those that :meth:`find_names` found.

        Returns:
            list[Sample]: All of them.
        """
        raise NotImplementedError

    def how_to_add(self, part: str) -> str:
        """Advise on how to add images of a part.

        Args:
            part (str): 'train', 'val' or 'test'.

        Returns:
            str: The advice, as a clause.
        """
        raise NotImplementedError

    def load_samples(self) -> list[Sample]:
        """Read the part that the split is from, with labels as classes."""
        part = self.official_part
        if part not in self.names:
            raise FileNotFoundError(self._absent_part(part))
        labels = match_classes(self.names[part], self.CLASSES)
        return [
            sample._replace(label=labels[sample.label])
            for sample in self.read_part(part)
        ]

    @property
    def other_validation(self) -> str:
        """Alternative to held-out images, as an error's remedy."""
        return f'bring validation images: {self.how_to_add("val")}'

    def describe(self) -> dict[str, str]:
        """Describe the parts, besides label rule and crop."""
        rules = super().describe()
        if self.has_val_part and self.split == 'val':
            rules['split_rule'] = 'the validation images'
        elif self.has_val_part and self.split == 'train':
            rules['split_rule'] = (
                f'all {self.TRAIN_RULE}; nothing held out, as there are '
                'validation images'
            )
        return rules

    def _absent_part(self, part: str) -> str:
        """Explain which part is absent, which exist, and what to do."""
        text = (
            f'{type(self).__name__}: split={self.split!r}, but there are no '
            f'images of the part {part!r} in {self.root.path!r}, only of '
            f'{sorted(self.names)} ({self.root.describe()}): '
            f'{self.how_to_add(part)}'
        )
        if part == 'test':
            text += (
                ", or test on split='val', knowing that the best epoch was "
                'selected on it'
            )
        return text

    def _compat_classes(
        self, metainfo: Mapping | None, classes: str | Sequence[str] | None
    ) -> Mapping:
        """Use the classes that were found if none are given."""
        metainfo = super()._compat_classes(metainfo, classes)
        if 'classes' in metainfo:
            return metainfo
        names = {
            name: where
            for part in self.names.values()
            for name, where in part.items()
        }
        return {**metainfo, 'classes': find_classes(names)}
