from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from mmpretrain.datasets.base_dataset import BaseDataset

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.quoting import quote
from mpafer_plugin.utils.seeding import SeededIndex, isolated_rng

from .annotations import Sample, check_images
from .argument_types import CheckedArguments
from .categories import SEVEN_EXPRESSIONS, canonical_names
from .data_root import DataRoot, read_class_names
from .face_crop import (
    check_crops,
    crop_text,
    find_crop_config,
    read_face_crop,
)
from .folds import Fold, name_subjects
from .label_counts import log_split
from .loading import load_and_transform
from .relabel import Merge, label_targets, merge_classes, merge_counts, relabel
from .split_choice import SplitChoice
from .splits import check_subset


class BaseFERDataset(CheckedArguments, SplitChoice, BaseDataset):
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
        merge (dict, optional): New names of classes that are one class, or
            renamed: ``{'negative': ['anger', 'fear'], 'joy': ['happiness']}``.
            Labels of no class are left out and counted, so that ``classes``
            also chooses some of the data's. Defaults to None.
        subject (str, optional): A regular expression, searched in the paths
            relative to ``data_root``; what it matches, or its last group
            matches, names a person: ``'S[0-9]+'`` for ``faces/S005_1.png``.
            All images of a person are in one split, where we draw it.
            Defaults to None.
        folds (int, optional): Number of folds into which the official
            training images are dealt, whole persons where they are known,
            the same share of every class: 'test' is one fold, the other
            splits are from the rest. Defaults to None.
        fold (int, optional): This fold, 0 to ``folds - 1``. Defaults to None.
        fold_seed (int): Seed of the folds. Defaults to 0.
        backend_args (dict, optional): Arguments of mmengine's file backend,
            for data that is not on a local disk; ``LoadImageFromFile`` needs
            the same. Defaults to None.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``:
            ``metainfo``, ``classes``, ``indices``, ``serialize_data``,
            ``lazy_init``, ``max_refetch``.

    Raises:
        ValueError: If ``split`` is unknown, a line cannot be read, no label is
            a class, a class seems misspelt, or no image is left.
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

    #: How images get their labels, as a clause that ``load_samples`` may set.
    labelling = 'as annotated'

    unexpected_total = ''  # a clause, if it is not the published one

    #: How faces are cropped by their boxes, if samples have boxes.
    box_crop: FaceCrop | None = None

    _relabelled = ''  # a clause that follows the label rule

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        pipeline: Sequence = (),
        test_mode: bool | None = None,
        leave_out: str | None = None,
        subset: dict | None = None,
        merge: Merge | None = None,
        subject: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        fold_seed: int = 0,
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise ValueError(
                f'{type(self).__name__} has no split {quote(split)}; it '
                f'has {self.SPLITS}'
            )
        self.split = split
        self.leave_out = leave_out
        check_subset(subset or {})
        self.subset = subset
        self.merge = merge
        self.subject = subject
        self.fold = Fold.of(folds, fold, fold_seed)
        self.root = DataRoot(data_root, backend_args)
        self._crops = find_crop_config(self.root)
        self.face_crop = read_face_crop(self._crops)
        if self.box_crop is not None:
            if self.face_crop is not None:
                raise ValueError(
                    f'{data_root!r} has boxes of faces, but is cropped '
                    'already, by a crop.json in it or its parent folder'
                )
            self.face_crop = self.box_crop.to_dict()
        super().__init__(
            ann_file='',  # mmengine's one file; each dataset finds its own
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

    def label_names(self) -> Mapping[str, str]:
        """Return all labels that images may have before merging.

        Returns:
            Mapping[str, str]: Canonical name to the place where it was found,
            '' for labels that do not depend on the copy.
        """
        return dict.fromkeys(self.METAINFO['classes'], '')

    def read_samples(self) -> list[Sample]:
        """Do as :meth:`load_samples`, with the persons and classes to use."""
        samples = self.load_samples()
        samples, self._relabelled = relabel(samples, self._targets())
        if self.subject is None:
            return samples
        required = self.official_part == 'train'
        return name_subjects(samples, self.subject, required)

    def _targets(self) -> dict[str, str | None]:
        return label_targets(self.label_names(), self.CLASSES, self.merge)

    def published_counts(self) -> Mapping[str, int] | None:
        """Return the published counts of the official part.

        They may depend on the files that :meth:`load_samples` has read.

        Returns:
            Mapping[str, int] | None: Canonical name to count; None if none
            are published.
        """
        return self.PUBLISHED_COUNTS.get(self.official_part)

    def expected_counts(self) -> Mapping[str, int] | None:
        """Return :meth:`published_counts` of the classes to use."""
        published = self.published_counts()
        if published is None:
            return None
        return merge_counts(published, self._targets())

    def describe(self) -> dict[str, str]:
        """Describe the split, its labels and its crops.

        Returns:
            dict[str, str]: Clauses in plain English: 'split_rule',
            'label_rule' and 'crop', first ours, then the released one.
        """
        return dict(
            split_rule=self.split_rule,
            label_rule=self.labelling + self._relabelled,
            crop=crop_text(self.released_crop, self.face_crop, self.box_crop),
        )

    def load_data_list(self) -> list[dict]:
        """Read, check and count the split.

        Returns:
            list[dict]: ``img_path``, ``gt_label`` (index into the classes)
            and, if they are known, ``gt_score`` (C,) of label rules with soft
            targets, ``subject``, ``bbox`` and ``groups``.
        """
        if not self.root.is_folder():
            raise FileNotFoundError(f'data_root: {self.root.describe()}')
        samples = self.read_samples()
        kept, _ = self.without_left_out(samples)  # others may be absent
        if self._crops is None:
            check_images(self.root, kept)
        else:
            check_crops(self.root, kept, self._crops)
        names = canonical_names(self.CLASSES)
        index = {name: i for i, name in enumerate(names)}
        chosen, left_out = self.choose(samples)
        rules = self.describe()
        log_split(
            self.head,
            self.CLASSES,
            samples,
            chosen,
            {self.COUNTS_SOURCE: self.expected_counts()},
            rules | dict(split_rule=rules['split_rule'] + left_out),
        )
        if not chosen:
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
            if sample.box is not None:
                info['bbox'] = list(sample.box)
            people = dict(subject=sample.group, groups=sample.groups)
            info |= {name: value for name, value in people.items() if value}
            data_list.append(info)
        return data_list

    def prepare_data(self, idx: int) -> Any:
        """Load and transform a sample.

        Args:
            idx (int): Index of the sample. A :class:`SeededIndex`, as
                :class:`ResumableSampler` gives it, determines the
                augmentation by its seed, epoch and index.
        """
        with (
            isolated_rng(*idx.entropy, idx)
            if isinstance(idx, SeededIndex)
            else nullcontext()
        ):
            info = self.get_data_info(idx)
            return load_and_transform(info, self.pipeline, self.box_crop)

    def _compat_classes(
        self, metainfo: Mapping | None, classes: str | Sequence[str] | None
    ) -> Mapping:
        """Merge the classes that are given, or else those of the data."""
        if isinstance(classes, str):
            classes = read_class_names(classes)
        given = super()._compat_classes(metainfo, classes)
        names = {**self.METAINFO, **given}['classes']
        return {**given, 'classes': merge_classes(names, self.merge)}

    def extra_repr(self) -> list[str]:
        """Show root, split, rules and crop when the dataset is printed."""
        rules = self.describe()
        return [
            f'Root of dataset: \t{self.data_root}',
            f'Split: \t{self.split}, {rules["split_rule"]}',
            f'Label rule: \t{rules["label_rule"]}',
            f'Crop: \t{rules["crop"]}',
        ]
