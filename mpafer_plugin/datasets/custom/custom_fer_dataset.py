from collections.abc import Mapping, Sequence
from typing import Any

from ..annotations import Sample
from ..data_root import DataRoot
from ..held_out_fer_dataset import HeldOutFERDataset
from .class_names import find_classes, match_classes


class OwnFERDataset(HeldOutFERDataset):
    """Base of the readers of one's own data, with any classes.

    A child finds the names that images are labelled by
    (:meth:`find_names`) and reads one part (:meth:`read_part`). Parts are
    'train', 'val' and 'test'; where there is no 'val', a share of 'train' is
    held out.

    Args:
        data_root (str): The folder of the dataset.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        classes (str | Sequence[str], optional): The classes in label order,
            or a text file of them. Known expressions meet theirs by alias,
            so 'Happy' meets 'happiness'; other names must be the same.
            Defaults to None, which means those found in all parts: known
            expressions in canonical order, then the others sorted.
        val_fraction (float): Share of the training images that is held out
            as 'val', in [0, 1), where there are no validation images.
            Defaults to 0.1.
        val_seed (int): Fixes which images are held out. Defaults to 0.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        backend_args (dict, optional): See :class:`BaseFERDataset`. Defaults
            to None.
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument is wrong, or a name means no class.
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
        """Find the names that images are labelled by.

        Returns:
            Mapping[str, Mapping[str, str]]: Each part that is there, to its
            names as they are written, to where each is, for messages.
        """
        raise NotImplementedError

    def read_part(self, part: str) -> list[Sample]:
        """Read the images of one part, with labels as they are written.

        Args:
            part (str): One of those that :meth:`find_names` found.

        Returns:
            list[Sample]: All of them.
        """
        raise NotImplementedError

    def how_to_add(self, part: str) -> str:
        """Say in words how a user adds images of a part.

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
            raise FileNotFoundError(self._no_part_text(part))
        labels = match_classes(self.names[part], self.CLASSES)
        return [
            sample._replace(label=labels[sample.label])
            for sample in self.read_part(part)
        ]

    def other_val_text(self) -> str:
        """Say in words what to choose by where nothing is held out."""
        return f'bring validation images: {self.how_to_add("val")}'

    def split_rule_text(self) -> str:
        """Say in words which images make the split."""
        if self.split == 'test' or not self.has_val_part:
            return super().split_rule_text()
        if self.split == 'val':
            return 'the validation images'
        return (
            f'all {self.TRAIN_RULE}; nothing held out, for there are '
            'validation images'
        )

    def _no_part_text(self, part: str) -> str:
        """Say what is absent, what is there and what to do."""
        text = (
            f'{type(self).__name__}: split={self.split!r}, but there are no '
            f'images of the part {part!r} in {self.root.path!r}, only of '
            f'{sorted(self.names)} ({self.root.describe()}): '
            f'{self.how_to_add(part)}'
        )
        if part == 'test':
            text += (
                ", or test on split='val', knowing that the best epoch was "
                'chosen on it'
            )
        return text

    def _compat_classes(
        self, metainfo: Mapping | None, classes: str | Sequence[str] | None
    ) -> Mapping:
        """Take the classes that are there if none are given."""
        metainfo = super()._compat_classes(metainfo, classes)
        if 'classes' in metainfo:
            return metainfo
        names = {
            name: where
            for part in self.names.values()
            for name, where in part.items()
        }
        return {**metainfo, 'classes': find_classes(names)}
