from collections.abc import Mapping
from typing import Any

from mmengine.logging import MMLogger
from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..categories import COMPOUND_EXPRESSIONS
from ..held_out_fer_dataset import HeldOutFERDataset
from .labels import (
    BASIC_COUNTS,
    BASIC_LABELS,
    COMPOUND_LABELS,
    COMPOUND_TOTALS,
)
from .layouts import Reading, read_part


@DATASETS.register_module()
class RAFDB(HeldOutFERDataset):
    """RAF-DB, the seven basic or the eleven compound expressions.

    `RAF-DB <http://www.whdeng.cn/RAF/model1.html>`_ is given by its authors
    on request, for non-commercial research. Which of these layouts a copy has
    shows by itself; where it has several, the first one drawn here is read,
    and the log tells which. The official one, also with ``data_root`` being
    ``basic`` itself: ::

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

    APViT's faces, which are aligned anew: ::

        RAF-DB
        └── basic                              # or without this folder
            ├── EmoLabel                       # and without these two
            │   ├── train.txt                  # train_00001_aligned.jpg 5
            │   └── test.txt
            └── Image
                └── aligned_224
                    ├── train_00001.jpg
                    └── ...

    A folder for each class, by RAF-DB's number or by any name that
    :func:`canonical_name` knows, with or without ``DATASET``. The lists may
    also lie in ``DATASET`` or be absent; one that contradicts the folders is
    an error: ::

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

    Lists as those of CUB-200-2011. Images are in ``images``, if it is
    there; a ``classes.txt`` tells what other numbers than RAF-DB's mean: ::

        RAF-DB
        ├── images.txt                         # 1 train_00001.jpg
        ├── image_class_labels.txt             # 1 5
        ├── train_test_split.txt               # 1 1; 1 for train, 0 for test
        └── images
            ├── train_00001.jpg
            └── ...

    The label file's name is misspelt in the official archive. RAF-DB has no
    validation split, and choosing the best epoch on the test split overstates
    the result. So ``split='val'`` is a fixed share of the official training
    images, the same of every class, and ``split='train'`` is the rest. As
    long as images keep their official numbers, the share is the same in
    every layout.

    Args:
        data_root (str): The folder that contains what is drawn above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        val_fraction (float): Share of the training images that is held out
            as 'val', in [0, 1). 0 trains on all of them. Defaults to 0.1.
        val_seed (int): Fixes which images are held out. Defaults to 0.
        aligned (bool): Whether to read faces rather than the original photos,
            which only the official layout has. Aligning anew in another way
            has cost ten points. Defaults to True.
        compound (bool): Whether to read the compound expressions, from the
            official layout or from class folders by name. Only the totals of
            their counts are published. Defaults to False.
        **kwargs: See :class:`HeldOutFERDataset`.

    Raises:
        ValueError: If an argument or a line is wrong, an image is listed
            twice, or lists, names and folders contradict each other.
        FileNotFoundError: If no layout is there, or images are absent.

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

    #: What the numbers of the label file mean.
    LABEL_NAMES: Mapping[int, str] = BASIC_LABELS

    PUBLISHED_COUNTS = BASIC_COUNTS

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        aligned: bool = True,
        compound: bool = False,
        **kwargs: Any,
    ) -> None:
        self.aligned = aligned
        self.compound = compound
        # filled while reading, for the log
        self._layout = ''
        self._crop = 'known once it is read'
        if compound:
            self.LABEL_NAMES = COMPOUND_LABELS
            if kwargs.get('classes') is None:
                kwargs['classes'] = COMPOUND_EXPRESSIONS
        super().__init__(data_root, split, **kwargs)

    def load_samples(self) -> list[Sample]:
        """Read all images of the official training or test part."""
        reading = read_part(
            self.root,
            self.official_part,
            'compound' if self.compound else 'basic',
            self.LABEL_NAMES,
            self.aligned,
        )
        layout = reading.layout
        self._layout = f', {layout.title} layout, by {layout.needs[0]}'
        self._crop = layout.crop
        self._warn(reading)
        return reading.samples

    def published_counts(self) -> Mapping[str, int] | None:
        """Tell the counts of the whole official part, None for compound."""
        if self.compound:
            return None
        return self.PUBLISHED_COUNTS.get(self.official_part)

    def label_rule_text(self) -> str:
        """Say in words what the labels were read from."""
        return f'as annotated{self._layout}'

    def released_crop_text(self) -> str:
        """Say in words how faces were cut out of their photos."""
        return self._crop

    def _warn(self, reading: Reading) -> None:
        """Warn of unlisted images and of a total that is not published."""
        logger = MMLogger.get_current_instance()
        head = f'{type(self).__name__} {self.split!r} in {self.data_root!r}'
        if reading.unlisted:
            logger.warning(
                f'{head}: {reading.unlisted} images lie beside the listed '
                'ones, but no line names them; they are not read'
            )
        total = COMPOUND_TOTALS[self.official_part]
        if self.compound and len(reading.samples) != total:
            logger.warning(
                f'{head}: there are {len(reading.samples)} images, but '
                f'{total} were published; is the copy complete and unchanged?'
            )
