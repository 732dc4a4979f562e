import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from mmengine.logging import MMLogger
from mmpretrain.datasets.base_dataset import BaseDataset

from mpafer_plugin.utils.seeding import SeededIndex, isolated_rng

from .annotations import Sample, check_images, read_leave_out
from .categories import SEVEN_EXPRESSIONS, canonical_name, canonical_names
from .data_root import DataRoot
from .face_crop import (
    check_crops,
    face_crop_text,
    find_crop_config,
    read_face_crop,
)
from .label_counts import count_table
from .splits import choose_subset


class BaseFERDataset(BaseDataset):
    """Base of all datasets of facial expressions.

    A subclass lists its images with the *names* of their expressions
    (:meth:`load_samples`); this class turns names into indices, by the order
    of ``metainfo['classes']``. Before training it checks that all images
    exist and logs the label rule, the split rule and the counts per class
    beside the published ones. If ``mpafer prepare-faces`` cropped the faces,
    ``metainfo['face_crop']`` has its settings.

    Args:
        data_root (str): The folder of the dataset; ``~`` is expanded and a
            relative path is relative to the working directory.
        split (str): One of :attr:`SPLITS`. Defaults to 'train'.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        test_mode (bool, optional): Raise an error for an image that the
            pipeline drops, rather than replace it by another one. Defaults to
            None, which means in every split but 'train'.
        leave_out (str, optional): A text file of images to leave out, a path
            relative to ``data_root`` a line, as ``mpafer verify-dataset``
            writes it with ``--missing`` or ``--leaks``. They need not exist.
            Defaults to None.
        subset (dict, optional): Part of the split, after ``leave_out``:
            ``dict(num=5000)``, stratified, or ``dict(per_class=16)``, each
            with ``seed`` (0); see :func:`choose_subset`. Defaults to None.
        backend_args (dict, optional): Arguments of mmengine's file backend,
            for data that is not on a local disk; ``LoadImageFromFile`` needs
            the same. Defaults to None.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``:
            ``metainfo``, ``classes``, ``indices``, ``serialize_data``,
            ``lazy_init``, ``max_refetch``.

    Raises:
        ValueError: If ``split`` is unknown, a line cannot be read, a label is
            not among the classes, or no image is left.
        FileNotFoundError: If annotations or images that they list, other
            than those left out, are absent.
    """

    METAINFO: dict = {'classes': SEVEN_EXPRESSIONS}

    SPLITS: tuple[str, ...] = ('train', 'val', 'test')

    #: Published number of images: official part -> canonical name -> count.
    PUBLISHED_COUNTS: Mapping[str, Mapping[str, int]] = {}

    #: Source of the expected counts.
    COUNTS_SOURCE = 'published'

    #: Crop of the faces as the dataset was released, as a clause.
    released_crop = 'as released'

    #: How images get their labels, as a clause. Like ``released_crop``, it
    #: may be set by ``__init__`` and, in more detail, by ``load_samples``.
    labelling = 'as annotated'

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
            ann_file='',  # mmengine's one file; each dataset finds its own
            data_root=self.root.path,
            pipeline=pipeline,
            test_mode=split != 'train' if test_mode is None else test_mode,
            **kwargs,
        )
        if self.face_crop is not None:
            self._metainfo['face_crop'] = self.face_crop

    @property
    def official_part(self) -> str:
        """Official part that the images are from."""
        return self.split

    def load_samples(self) -> list[Sample]:
        """Read the official part of the dataset that the split is from.

        Returns:
            list[Sample]: Paths relative to ``data_root`` and labels by name.
        """
        raise NotImplementedError

    def select_split(self, samples: list[Sample]) -> list[Sample]:
        """Choose the split's samples from the result of :meth:`load_samples`.

        Returns:
            list[Sample]: All of them here.
        """
        return samples

    def published_counts(self) -> Mapping[str, int] | None:
        """Return the published counts of the official part.

        They may depend on the files that :meth:`load_samples` has read.

        Returns:
            Mapping[str, int] | None: Canonical name to count; None if none
            are published.
        """
        return self.PUBLISHED_COUNTS.get(self.official_part)

    def describe(self) -> dict[str, str]:
        """Describe the split, its labels and its crops.

        Returns:
            dict[str, str]: Clauses in plain English: 'split_rule',
            'label_rule' and 'crop', first ours, then the released one.
        """
        crop = self.released_crop
        if self.face_crop is not None:
            crop = f'{face_crop_text(self.face_crop)}; before: {crop}'
        return dict(
            split_rule=f'the official {self.split} split',
            label_rule=self.labelling,
            crop=crop,
        )

    def load_data_list(self) -> list[dict]:
        """Read, check and count the split.

        Returns:
            list[dict]: ``img_path``, ``gt_label`` (index into the classes)
            and, if the label rule gives soft targets, ``gt_score`` (C,).
        """
        if not self.root.is_folder():
            raise FileNotFoundError(f'data_root: {self.root.describe()}')
        samples = self.load_samples()
        kept, _ = self.without_left_out(samples)  # others may be absent
        if self._crops is None:
            check_images(self.root, kept)
        else:
            check_crops(self.root, kept, self._crops)
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
        chosen, left_out = self.without_left_out(self.select_split(samples))
        if self.subset is not None:
            chosen = choose_subset(chosen, **self.subset)
            rule = ', '.join(f'{k}={v}' for k, v in self.subset.items())
            left_out += f', of these the subset {rule}'
        self._log_split(samples, chosen, left_out)
        if not chosen:
            rules = self.describe()
            raise ValueError(
                f'no image is left in the split {self.split!r} of '
                f'{self.data_root!r} ({rules["split_rule"]}; '
                f'{rules["label_rule"]})'
            )
        data_list = []
        for sample in chosen:
            info: dict[str, Any] = {
                'img_path': self.root.join(sample.path),
                'gt_label': index[sample.label],
            }
            if sample.score is not None:
                # A class without votes has no share.
                info['gt_score'] = [sample.score.get(c, 0.0) for c in names]
            data_list.append(info)
        return data_list

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
        kept = [s for s in samples if posixpath.normpath(s.path) not in listed]
        return kept, (
            f', without {len(samples) - len(kept)} of the {len(listed)} '
            f'images that {self.leave_out!r} lists'
        )

    def prepare_data(self, idx: int) -> Any:
        """Load and transform a sample.

        Args:
            idx (int): Index of the sample. A :class:`SeededIndex`, as
                :class:`ResumableSampler` gives it, determines the
                augmentation by its seed, epoch and index.
        """
        if not isinstance(idx, SeededIndex):
            return super().prepare_data(idx)
        with isolated_rng(*idx.entropy, idx):
            return super().prepare_data(idx)

    def extra_repr(self) -> list[str]:
        """Show root, split, rules and crop when the dataset is printed."""
        rules = self.describe()
        return [
            f'Root of dataset: \t{self.data_root}',
            f'Split: \t{self.split}, {rules["split_rule"]}',
            f'Label rule: \t{rules["label_rule"]}',
            f'Crop: \t{rules["crop"]}',
        ]

    @cached_property
    def _leave_out_paths(self) -> set[str]:
        """Normalized paths listed in ``leave_out``."""
        assert self.leave_out is not None
        return read_leave_out(self.leave_out, self.root, self._crops)

    def _log_split(
        self, samples: list[Sample], chosen: list[Sample], left_out: str
    ) -> None:
        """Log rules and counts per class, and warn of unexpected counts."""
        logger = MMLogger.get_current_instance()
        head = f'{type(self).__name__} {self.split!r} in {self.data_root!r}'
        read = Counter(sample.label for sample in samples)
        found = Counter(sample.label for sample in chosen)
        published = self.published_counts()
        rows: dict[str, Mapping[str, int]] = {'read': read}
        if published is not None:
            rows[self.COUNTS_SOURCE] = published
            if read != Counter(published):
                logger.warning(
                    f'{head}: the counts are not the {self.COUNTS_SOURCE} '
                    'ones; is the copy complete and unchanged?\n'
                    f'{count_table(self.CLASSES, rows)}'
                )
        if len(chosen) != len(samples):
            rows['this split'] = found
        empty = [c for c in self.CLASSES if not found[canonical_name(c)]]
        if chosen and empty:
            logger.warning(f'{head}: there are no images of {empty}')
        rules = self.describe()
        logger.info(
            f'{head}\n  label rule: {rules["label_rule"]}\n'
            f'  split rule: {rules["split_rule"]}{left_out}\n'
            f'  crop: {rules["crop"]}\n'
            f'{count_table(self.CLASSES, rows)}'
        )
