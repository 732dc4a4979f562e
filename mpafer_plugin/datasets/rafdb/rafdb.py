from collections.abc import Mapping
from typing import Any

from mmengine.logging import MMLogger
from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..categories import COMPOUND_EXPRESSIONS
from ..held_out_fer_dataset import HeldOutFERDataset
from ..soft_labels import check_label_rule, with_soft_labels
from .labels import (
    BASIC_COUNTS,
    BASIC_LABELS,
    COMPOUND_LABELS,
    COMPOUND_TOTALS,
    image_key,
)
from .layouts import read_part


@DATASETS.register_module()
class RAFDB(HeldOutFERDataset):
    """RAF-DB, the seven basic or the eleven compound expressions.

    `RAF-DB <http://www.whdeng.cn/RAF/model1.html>`_ is available from its
    authors on request, for non-commercial research. The layout of a copy is
    detected: the first of the following that is found is read and logged. The
    official one, where ``data_root`` may also be ``basic`` itself: ::

        RAF-DB
        ├── basic
        │   ├── EmoLabel
        │   │   └── list_patition_label.txt    # train_00001.jpg 5
        │   └── Image
        │       ├── aligned                    # 100 x 100, aligned=True
        │       │   ├── train_00001_aligned.jpg
        │       │   └── ...
        │       └── original                   # aligned=False
        │           ├── train_00001.jpg
        │           └── ...
        └── compound                           # alike, compound=True
            └── ...

    APViT's re-aligned faces: ::

        RAF-DB
        └── basic                              # or without this folder
            ├── EmoLabel                       # and without these two
            │   ├── train.txt                  # train_00001_aligned.jpg 5
            │   └── test.txt
            └── Image
                └── aligned_224
                    ├── train_00001.jpg
                    └── ...

    A folder for each class, named by RAF-DB's number or by any name that
    :func:`canonical_name` knows, with or without ``DATASET``. The lists may
    also be in ``DATASET`` or be absent; a list that contradicts the folders
    is an error: ::

        RAF-DB
        ├── DATASET
        │   ├── train
        │   │   ├── 1                          # or surprise, Surprised, ...
        │   │   │   ├── train_00002_aligned.jpg
        │   │   │   └── ...
        │   │   └── ...
        │   └── test
        │       └── ...
        ├── train_labels.csv                   # image,label
        └── test_labels.csv                    # test_0001_aligned.jpg,5

    Lists like those of CUB-200-2011. Images are in ``images``, if it exists;
    a ``classes.txt`` defines numbers other than RAF-DB's: ::

        RAF-DB
        ├── images.txt                         # 1 train_00001.jpg
        ├── image_class_labels.txt             # 1 5
        ├── train_test_split.txt               # 1 1; 1 for train, 0 for test
        └── images
            ├── train_00001.jpg
            └── ...

    (The label file's name is misspelt in the official archive.) RAF-DB has no
    validation split: see :class:`HeldOutFERDataset`. As long as images keep
    their official numbers, the held-out share is the same in every layout.

    Args:
        data_root (str): The folder ``RAF-DB`` above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        aligned (bool): Read faces rather than the original photos, which
            only the official layout has. Another alignment has cost ten
            points of accuracy. Defaults to True.
        compound (bool): Read the compound expressions, from the official
            layout or from class folders by name. Only the totals of their
            counts are published. Defaults to False.
        label_rule (str, optional): 'distribution' for soft targets. Defaults
            to None, the labels as annotated.
        votes (str, optional): Their table in ``data_root``, see
            :func:`with_soft_labels`: ``train_00001.jpg`` and seven shares a
            line. Defaults to None.
        **kwargs: ``val_fraction``, ``val_seed`` and others, see
            :class:`HeldOutFERDataset`.

    Raises:
        ValueError: If an argument or a line is wrong, or lists, names and
            folders contradict each other.
        FileNotFoundError: If no layout is found, or images are absent.

    Examples:
        >>> from mpafer_plugin.datasets import RAFDB
        >>> RAFDB(data_root='data/RAF-DB', split='test')
        Dataset RAFDB
            Number of samples:  3068
            Number of categories:       7
            Root of dataset:    data/RAF-DB
            Split:      test, the official test split
            Label rule:         as annotated, official layout, by basic/...
            Crop:       official aligned faces, 100 x 100
        >>> len(RAFDB('data/RAF-DB', 'train', val_fraction=0))
        12271
        >>> len(RAFDB('data/RAF-DB', 'train')), len(RAFDB('data/RAF-DB', 'val'))
        (11044, 1227)
        >>> len(RAFDB('data/RAF-DB', 'test', compound=True))
        792
    """  # noqa: E501

    #: Expression of each number in the label file.
    LABEL_NAMES: Mapping[int, str] = BASIC_LABELS

    PUBLISHED_COUNTS = BASIC_COUNTS

    released_crop = 'known once it is read'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        aligned: bool = True,
        compound: bool = False,
        label_rule: str | None = None,
        votes: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_label_rule(label_rule, votes)
        self.votes = votes
        self.aligned = aligned
        self.compound = compound
        if compound:
            self.LABEL_NAMES = COMPOUND_LABELS
            if kwargs.get('classes') is None:
                kwargs['classes'] = COMPOUND_EXPRESSIONS
        super().__init__(data_root, split, **kwargs)

    def load_samples(self) -> list[Sample]:
        """Read all images of the official training or test part."""
        layout, samples, repeated, unlisted = read_part(
            self.root,
            self.official_part,
            'compound' if self.compound else 'basic',
            self.LABEL_NAMES,
            self.aligned,
        )
        self.labelling = (
            f'as annotated, {layout.title} layout, by {layout.needs[0]}'
        )
        if repeated:
            self.labelling += f'; {repeated} repeated rows passed over'
        self.released_crop = layout.crop
        if unlisted:
            MMLogger.get_current_instance().warning(
                f'{self.head}: {unlisted} images lie beside the listed ones, '
                'but are in no list; they are not read'
            )
        self.check_total(len(samples))
        if self.votes is not None:
            names = {str(k): name for k, name in self.LABEL_NAMES.items()}
            samples, self.labelling = with_soft_labels(
                self.root, samples, self.votes, names, image_key
            )
        return samples

    def label_names(self) -> Mapping[str, str]:
        """Return the names in the label file."""
        return dict.fromkeys(self.LABEL_NAMES.values(), '')

    def published_total(self) -> int | None:
        """Return the total of the official part, for compound alone."""
        return COMPOUND_TOTALS[self.official_part] if self.compound else None

    def published_counts(self) -> Mapping[str, int] | None:
        """Return the counts of the official part, None for compound."""
        if self.compound or self.votes is not None:
            return None
        return super().published_counts()
