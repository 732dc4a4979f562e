from collections.abc import Mapping, Sequence
from typing import Any

from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
)
from ..data_root import DataRoot
from ..held_out_fer_dataset import HeldOutFERDataset


class CustomFERDataset(HeldOutFERDataset):
    """Base of datasets of a user's own images, with any classes.

    A subclass finds the names by which images are labelled
    (:meth:`find_names`) and reads one part (:meth:`read_part`). The parts are
    'train', 'val' and 'test'; without 'val', a share of 'train' is held out.

    Arguments and errors are those of :class:`FERFolder`.
    """

    METAINFO: dict = {}  # without classes, those that are found

    #: Default of ``names``.
    NAMES: Mapping[str, str] | None = None

    TEST_RULE = 'the test images'

    TRAIN_RULE = 'training images'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        classes: str | Sequence[str] | None = None,
        val_fraction: float = 0.1,
        val_seed: int = 0,
        group: str | None = None,
        pipeline: Sequence = (),
        subject: str | None = None,
        backend_args: dict | None = None,
        names: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        if group is not None and subject is not None:
            raise ValueError(
                f'{group=} and {subject=} both name the persons: give one'
            )
        self.group = group
        self.class_names = self.NAMES if names is None else names
        self.root = DataRoot(data_root, backend_args)
        if not self.root.is_folder():
            raise FileNotFoundError(f'data_root: {self.root.describe()}')
        self.names = self.find_names()
        self.has_val_part = 'val' in self.names and self.TEST_PART != 'val'
        super().__init__(
            data_root,
            split,
            val_fraction,
            val_seed,
            pipeline,
            classes=classes,
            subject=subject,
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
        """
        raise NotImplementedError

    def how_to_add(self, part: str) -> str:
        """Advise on how to add images of a part, in a clause."""
        raise NotImplementedError

    def rename(self, label: str, where: str) -> str:
        """Return the class of a label by ``names``.

        Raises:
            ValueError: If ``names`` has neither the label nor such a class.
        """
        names = self.class_names
        if names is None:
            return label
        if label in names:
            return names[label]
        if canonical_name(label) not in map(canonical_name, names.values()):
            raise ValueError(
                f'{where}: the label {quote(label)} is neither a key nor a '
                f'class of names={quote(dict(names))}'
            )
        return label

    def load_samples(self) -> list[Sample]:
        """Read the part that the split is from, with labels as classes."""
        part = self.official_part
        if part not in self.names:
            text = (
                f'{type(self).__name__}: split={self.split!r}, but there are '
                f'no images of the part {part!r} in {self.root.path!r}, only '
                f'of {sorted(self.names)} ({self.root.describe()}): '
                f'{self.how_to_add(part)}'
            )
            if part == 'test':
                text += (
                    ", or test on split='val', knowing that the best epoch "
                    'was selected on it'
                )
            raise FileNotFoundError(text)
        samples = [
            sample._replace(label=canonical_name(sample.label))
            for sample in self.read_part(part)
        ]
        self.check_total(len(samples))
        return samples

    def label_names(self) -> Mapping[str, str]:
        """Return the names of all parts."""
        return {
            canonical_name(name): where
            for part in self.names.values()
            for name, where in part.items()
        }

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
                f'all {self.train_rule}; nothing held out, as there are '
                'validation images'
            )
        return rules

    def _compat_classes(
        self, metainfo: Mapping | None, classes: str | Sequence[str] | None
    ) -> Mapping:
        """Use the classes that were found if none are given."""
        if classes is None and 'classes' not in {
            **self.METAINFO,
            **(metainfo or {}),
        }:
            names: dict[str, str] = {}
            for part in self.names.values():
                names |= part
            classes = find_classes(names)
        return super()._compat_classes(metainfo, classes)


def find_classes(names: Mapping[str, str]) -> tuple[str, ...]:
    """Build a class list from the names in a dataset.

    Args:
        names (Mapping[str, str]): Each name to the place where it was found.

    Returns:
        tuple[str, ...]: Known expressions in canonical order, then all other
        names sorted.

    Raises:
        ValueError: If two names differ in case only.
    """
    spellings: dict[str, str] = {}
    for name in names:
        folded = canonical_name(name).casefold()
        other = spellings.setdefault(folded, name)
        if canonical_name(other) != canonical_name(name):
            raise ValueError(
                f'{names[name]}: {quote(name)} and {quote(other)} '
                f'({names[other]}) differ in case only: are they one class? '
                'Spell them the same way, or pass classes=[...] with both'
            )
    known = (*EXPRESSIONS, *COMPOUND_EXPRESSIONS)
    found = {canonical_name(name) for name in names}
    return (
        *(name for name in known if name in found),
        *sorted(found.difference(known)),
    )
