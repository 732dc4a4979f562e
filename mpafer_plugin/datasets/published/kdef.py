import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..categories import SEVEN_EXPRESSIONS
from .posed_fer_dataset import PosedFERDataset

VIEWS = ('FL', 'HL', 'S', 'HR', 'FR')
"""Full left profile, half left, straight, half right, full right profile."""


@DATASETS.register_module()
class KDEF(PosedFERDataset):
    """KDEF, 4,900 images of 70 persons from five sides, seven expressions.

    All is in the names of the files, in any folders: ::

        kdef
        ├── AF01
        │   ├── AF01ANS.JPG         # session A, woman 01, angry, straight
        │   └── ...
        └── ...

    There are no official splits: test by ``folds``.

    Args:
        data_root (str): The folder ``kdef`` above.
        split (str): 'train', 'val' or, with ``folds``, 'test'. Defaults to
            'train'.
        views (Sequence[str]): Those of :data:`VIEWS` that are read; ``('S',)``
            for straight faces alone. Defaults to all.
        **kwargs: See :class:`FERFolder`.
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Lundqvist et al., "The Karolinska Directed Emotional '
        'Faces", 1998',
    }
    NAMES = {
        'AF': 'fear',
        'AN': 'anger',
        'DI': 'disgust',
        'HA': 'happiness',
        'NE': 'neutral',
        'SA': 'sadness',
        'SU': 'surprise',
    }
    PATTERN = re.compile(
        r'[AB](?P<subject>[FM]\d\d)(?P<label>[A-Z]{2})(?P<view>S|[FH][LR])'
        r'\.\w+',
        re.IGNORECASE | re.ASCII,
    )

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        views: Sequence[str] = VIEWS,
        **kwargs: Any,
    ) -> None:
        if isinstance(views, str) or not {*views} or {*views} - {*VIEWS}:
            raise ValueError(f'KDEF: views={views!r}; they are of {VIEWS}')
        self.views = tuple(views)
        super().__init__(data_root, split, **kwargs)

    def find_samples(self) -> list[Sample]:
        """List the images of the views."""
        samples = [
            sample
            for sample in super().find_samples()
            if sample.key.split('.')[0][6:] in self.views
        ]
        self.labelling = f'{type(self).labelling}, views {self.views}'
        return samples

    def published_counts(self) -> Mapping[str, int]:
        """Return the counts of these views, 70 persons twice each."""
        return dict.fromkeys(SEVEN_EXPRESSIONS, 140 * len(self.views))
