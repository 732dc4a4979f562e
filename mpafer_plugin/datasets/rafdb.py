import posixpath
from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import DATASETS

from .annotations import Sample
from .held_out_fer_dataset import HeldOutFERDataset


@DATASETS.register_module()
class RAFDB(HeldOutFERDataset):
    """RAF-DB, the seven basic expressions in the official layout.

    `RAF-DB <http://www.whdeld.cn/RAF/model1.html>`_ is given by its authors
    on request, for non-commercial research. Dataset directory: ::

        RAF-DB
        └── basic
            ├── EmoLabel
            │   └── list_patition_label.txt    # train_00001.jpg 5
            └── Image
                ├── aligned                    # 100 x 100, aligned=True
                │   ├── train_00001_aligned.jpg
                │   └── ...
                └── original                   # aligned=False
                    ├── train_00001.jpg
                    └── ...

    The label file's name is misspelt in the official archive. RAF-DB has no
    validation split, and choosing the best epoch on the test split overstates
    the result. So ``split='val'`` is a fixed share of the official training
    pictures, the same of every class, and ``split='train'`` is the rest.

    Args:
        data_root (str): The folder that contains ``basic``.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        val_fraction (float): Share of the training pictures that is held out
            as 'val', in [0, 1). 0 trains on all of them. Defaults to 0.1.
        val_seed (int): Fixes which pictures are held out. Defaults to 0.
        aligned (bool): Whether to read the official aligned faces rather
            than the original photos. Aligning anew in another way has cost
            ten points. Defaults to True.
        **kwargs: See :class:`HeldOutFERDataset`.

    Raises:
        ValueError: If an argument or a line of the label file is wrong.

    Examples:
        >>> from mpafer_plugin.datasets import RAFDB
        >>> RAFDB(data_root='data/RAF-DB', split='test')
        Dataset RAFDB
            Number of samples:  3068
            Number of categories:       7
            Root of dataset:    data/RAF-DB
            Split:      test, the official test split
            Label rule:         as annotated
        >>> len(RAFDB('data/RAF-DB', 'train', val_fraction=0))
        12271
        >>> len(RAFDB('data/RAF-DB', 'train')), len(RAFDB('data/RAF-DB', 'val'))
        (11044, 1227)
    """  # noqa: E501

    #: The folder of this set of labels under the data root.
    FOLDER = 'basic'

    #: What the numbers of the label file mean.
    LABEL_NAMES: Mapping[int, str] = {
        1: 'surprise',
        2: 'fear',
        3: 'disgust',
        4: 'happiness',
        5: 'sadness',
        6: 'anger',
        7: 'neutral',
    }

    PUBLISHED_COUNTS = {
        'train': {
            'surprise': 1290,
            'fear': 281,
            'disgust': 717,
            'happiness': 4772,
            'sadness': 1982,
            'anger': 705,
            'neutral': 2524,
        },
        'test': {
            'surprise': 329,
            'fear': 74,
            'disgust': 160,
            'happiness': 1185,
            'sadness': 478,
            'anger': 162,
            'neutral': 680,
        },
    }

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        aligned: bool = True,
        **kwargs: Any,
    ) -> None:
        self.aligned = aligned
        super().__init__(data_root, split, **kwargs)

    def load_samples(self) -> list[Sample]:
        """Read all pictures of the official training or test split."""
        listed = f'{self.FOLDER}/EmoLabel/list_patition_label.txt'
        ann_file = self.root.join(listed)
        if not self.root.is_file(listed):
            raise FileNotFoundError(
                f'no label file {ann_file!r}; data_root must be the folder '
                f'that contains {self.FOLDER!r}, and '
                f'{self.root.describe()}'
            )
        samples = []
        first_line: dict[str, int] = {}
        for number, line in self.root.lines(listed):
            name, label = self._parse(line, f'{ann_file}:{number}')
            if name in first_line:
                raise ValueError(
                    f'{ann_file}:{number}: {name!r} is listed twice, first '
                    f'on line {first_line[name]}'
                )
            first_line[name] = number
            if name.startswith(self.official_part):
                path = self._picture_path(name)
                samples.append(Sample(path, label, ann_file, number, name))
        return samples

    def published_counts(self) -> Mapping[str, int] | None:
        """Tell the counts of the whole official split."""
        return self.PUBLISHED_COUNTS.get(self.official_part)

    def _parse(self, line: str, where: str) -> tuple[str, str]:
        """Take a line such as ``train_00001.jpg 5`` apart."""
        fields = line.split()
        if len(fields) != 2 or not fields[0].startswith(('train_', 'test_')):
            raise ValueError(
                f'{where}: cannot read the line {line!r}; expected '
                "'train_<number>.jpg <label>' or 'test_<number>.jpg <label>'"
            )
        names = {str(key): name for key, name in self.LABEL_NAMES.items()}
        if fields[1] not in names:
            raise ValueError(
                f'{where}: unknown label {fields[1]!r} in {line!r}; the '
                f'labels are {dict(self.LABEL_NAMES)}'
            )
        return fields[0], names[fields[1]]

    def _picture_path(self, name: str) -> str:
        """Find the picture of a listed name, relative to the data root."""
        if not self.aligned:
            return f'{self.FOLDER}/Image/original/{name}'
        stem, suffix = posixpath.splitext(name)
        return f'{self.FOLDER}/Image/aligned/{stem}_aligned{suffix}'
