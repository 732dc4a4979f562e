import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmengine.logging import MMLogger
from mmpretrain.datasets.base_dataset import BaseDataset

from mpafer_plugin.utils.seeding import SeededIndex, isolated_rng

from .annotations import Sample, check_images
from .categories import SEVEN_EXPRESSIONS, canonical_name, canonical_names
from .data_root import DataRoot
from .face_crop import face_crop_text, find_crop_config, read_face_crop
from .label_counts import count_table
from .leave_out import check_crops, read_leave_out
from .splits import choose_subset


class BaseFERDataset(BaseDataset):
    """Base of all readers of facial expressions.

    A child lists its images with the *names* of their expressions
    (:meth:`load_samples`); names become indices here, by the order of
    ``metainfo['classes']``. All images are looked for before training
    starts, and the log tells the label rule, the split rule and the counts
    per class beside the published ones. How faces were cut out, if
    ``tools/prepare_faces.py`` did it, is in ``metainfo['face_crop']``.

    Args:
        data_root (str): The folder of the dataset; ``~`` is expanded and a
            relative path is relative to the working directory.
        split (str): One of :attr:`SPLITS`. Defaults to 'train'.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        test_mode (bool, optional): Whether an image that gives nothing is an
            error, rather than replaced by another one. Defaults to None,
            which means every split but 'train'.
        leave_out (str, optional): A text file with the paths of images that
            are left out, relative to ``data_root``, one a line; such as
            ``tools/verify_dataset.py --leaks`` writes. Defaults to None.
        subset (dict, optional): Part of the split, after ``leave_out``:
            ``dict(num=5000)``, stratified, or ``dict(per_class=16)``, each
            with ``seed`` (0); see :func:`choose_subset`. Defaults to None.
        backend_args (dict, optional): What mmengine's file backends take,
            for data that is not on a local disk; ``LoadImageFromFile`` needs
            the same. Defaults to None.
        **kwargs: All else that mmpretrain's ``BaseDataset`` takes:
            ``metainfo``, ``classes``, ``indices``, ``serialize_data``,
            ``lazy_init``, ``max_refetch``.

    Raises:
        ValueError: If ``split`` is unknown, a line cannot be read, a label is
            not among the classes, or no image is left.
        FileNotFoundError: If annotations or listed images are absent.
    """

    METAINFO: dict = {'classes': SEVEN_EXPRESSIONS}

    SPLITS: tuple[str, ...] = ('train', 'val', 'test')

    #: Published number of images: official part -> canonical name -> count.
    PUBLISHED_COUNTS: Mapping[str, Mapping[str, int]] = {}

    #: Where the counts that a copy should have are known from.
    COUNTS_SOURCE = 'published'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        pipeline: Sequence = (),
        test_mode: bool | None = None,
        leave_out: str | None = None,
        subset: dict | None = None,
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise ValueError(
                f'{type(self).__name__} has no split {split!r}; it has '
                f'{self.SPLITS}'
            )
        self.split = split
        self.leave_out = leave_out
        self.subset = subset
        self.root = DataRoot(data_root, backend_args)
        self._crops = find_crop_config(self.root)
        self.face_crop = read_face_crop(self._crops)
        super().__init__(
            ann_file='',  # mmengine's one file; readers know their own files
            data_root=self.root.path,
            pipeline=pipeline,
            test_mode=split != 'train' if test_mode is None else test_mode,
            **kwargs,
        )
        if self.face_crop is not None:
            self._metainfo['face_crop'] = self.face_crop

    def load_samples(self) -> list[Sample]:
        """Read the official part of the dataset that the split is from.

        Returns:
            list[Sample]: Paths relative to ``data_root`` and labels by name.
        """
        raise NotImplementedError

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Choose the split's samples from its official part.

        Args:
            samples (list[Sample]): What :meth:`load_samples` gives.

        Returns:
            list[Sample]: All of them here.
        """
        return samples

    def published_counts(self) -> Mapping[str, int] | None:
        """Tell how many images :meth:`load_samples` should give.

        Returns:
            Mapping[str, int] | None: Canonical name to count, or None where
            nothing was published.
        """
        return self.PUBLISHED_COUNTS.get(self.split)

    def label_rule_text(self) -> str:
        """Say in words how an image gets its label."""
        return 'as annotated'

    def split_rule_text(self) -> str:
        """Say in words which images make the split."""
        return f'the official {self.split} split'

    def released_crop_text(self) -> str:
        """Say in words how faces were cut out of their photos by others."""
        return 'as released'

    def crop_text(self) -> str:
        """Say in words how faces were cut out, by others and by us."""
        released = self.released_crop_text()
        if self.face_crop is None:
            return released
        return f'{face_crop_text(self.face_crop)}; before: {released}'

    def load_data_list(self) -> list[dict]:
        """Read, check and count the split.

        Returns:
            list[dict]: ``img_path``, ``gt_label`` (index into the classes)
            and, where the label rule gives soft targets, ``gt_score`` (C,).
        """
        if not self.root.is_folder():
            raise FileNotFoundError(f'data_root: {self.root.describe()}')
        samples = self.load_samples()
        self._check_images(samples)
        names = canonical_names(self.CLASSES)
        index = {name: i for i, name in enumerate(names)}
        for sample in samples:
            shares = sample.score or {}
            for name in (sample.label, *(n for n in shares if shares[n])):
                if name not in index:
                    raise ValueError(
                        f'{sample.where}: the label {name!r} is not among '
                        f'the classes {list(self.CLASSES)}'
                    )
        chosen = self.select_split(samples)
        chosen, left_out = self.without_left_out(chosen)
        if self.subset is not None:
            chosen = choose_subset(chosen, **self.subset)
            rule = ', '.join(f'{k}={v}' for k, v in self.subset.items())
            left_out += f', of these the subset {rule}'
        report_split(self, samples, chosen, left_out)
        if not chosen:
            raise ValueError(
                f'no image is left in the split {self.split!r} of '
                f'{self.data_root!r} ({self.split_rule_text()}; '
                f'{self.label_rule_text()})'
            )
        data_list = []
        for sample in chosen:
            info: dict[str, Any] = {
                'img_path': self.root.join(sample.path),
                'gt_label': index[sample.label],
            }
            if sample.score is not None:
                # a class that the votes do not know has no share
                info['gt_score'] = [sample.score.get(c, 0.0) for c in index]
            data_list.append(info)
        return data_list

    def without_left_out(
        self, samples: list[Sample]
    ) -> tuple[list[Sample], str]:
        """Take out what ``leave_out`` lists.

        Args:
            samples (list[Sample]): Those of the split.

        Returns:
            tuple[list[Sample], str]: The others, and in words how many were
            taken out.
        """
        if self.leave_out is None:
            return samples, ''
        listed = self._leave_out_paths
        kept = [s for s in samples if posixpath.normpath(s.path) not in listed]
        return kept, (
            f', without {len(samples) - len(kept)} of the {len(listed)} '
            f'images that {self.leave_out!r} lists'
        )

    def prepare_data(self, idx: int) -> Any:
        """Load and transform a sample.

        Args:
            idx (int): Its index; of a :class:`ResumableSampler`'s the
                augmentation is drawn by seed, epoch and index alone.
        """
        if not isinstance(idx, SeededIndex):
            return super().prepare_data(idx)
        with isolated_rng(*idx.entropy, idx):
            return super().prepare_data(idx)

    def extra_repr(self) -> list[str]:
        """Show root, split, rules and crop when the dataset is printed."""
        return [
            f'Root of dataset: \t{self.data_root}',
            f'Split: \t{self.split}, {self.split_rule_text()}',
            f'Label rule: \t{self.label_rule_text()}',
            f'Crop: \t{self.crop_text()}',
        ]

    @cached_property
    def _leave_out_paths(self) -> set[str]:
        """What ``leave_out`` lists, in their shortest form."""
        assert self.leave_out is not None
        return read_leave_out(self.leave_out, self.root, self._crops)

    def _check_images(self, samples: list[Sample]) -> None:
        """Look for the images; some may have no crop, if one says so."""
        if self._crops is None:
            check_images(self.root, samples)
        else:
            kept, _ = self.without_left_out(samples)
            check_crops(self.root, kept, self._crops)


if TYPE_CHECKING:
    pass


def report_split(
    dataset: 'BaseFERDataset',
    samples: list[Sample],
    chosen: list[Sample],
    left_out: str,
) -> None:
    """Log the rules and the counts per class, and warn of a mismatch.

    Args:
        dataset (BaseFERDataset): The reader.
        samples (list[Sample]): What it has read.
        chosen (list[Sample]): What of it makes the split.
        left_out (str): In words, what was taken out besides.
    """
    logger = MMLogger.get_current_instance()
    head = f'{type(dataset).__name__} {dataset.split!r} in '
    head += repr(dataset.data_root)
    read = Counter(sample.label for sample in samples)
    found = Counter(sample.label for sample in chosen)
    published = dataset.published_counts()
    rows: dict[str, Mapping[str, int]] = {'read': read}
    if published is not None:
        rows[dataset.COUNTS_SOURCE] = published
    if published is not None and read != Counter(published):
        logger.warning(
            f'{head}: the counts are not the {dataset.COUNTS_SOURCE} ones; '
            f'is the copy complete and unchanged?\n'
            f'{count_table(dataset.CLASSES, rows)}'
        )
    if len(chosen) != len(samples):
        rows['this split'] = found
    empty = [c for c in dataset.CLASSES if not found[canonical_name(c)]]
    if chosen and empty:
        logger.warning(f'{head}: there are no images of {empty}')
    logger.info(
        f'{head}\n  label rule: {dataset.label_rule_text()}\n'
        f'  split rule: {dataset.split_rule_text()}{left_out}\n'
        f'  crop: {dataset.crop_text()}\n'
        f'{count_table(dataset.CLASSES, rows)}'
    )
