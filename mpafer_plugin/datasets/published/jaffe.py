import re

from mmpretrain.registry import DATASETS

from ..categories import SEVEN_EXPRESSIONS
from .posed_fer_dataset import PosedFERDataset


@DATASETS.register_module()
class JAFFE(PosedFERDataset):
    """JAFFE, 213 images of 10 Japanese women, seven expressions.

    Person and expression are in the names of the files, in any folders: ::

        jaffe
        ├── KA.AN1.39.tiff          # person KA, anger
        └── ...

    There are no official splits: test by ``folds`` (10 leave one person
    out).

    Args:
        data_root (str): The folder ``jaffe`` above.
        split (str): 'train', 'val' or, with ``folds``, 'test'. Defaults to
            'train'.
        **kwargs: See :class:`FERFolder`.
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Lyons et al., "Coding facial expressions with Gabor '
        'wavelets", FG 1998',
    }
    NAMES = {
        'AN': 'anger',
        'DI': 'disgust',
        'FE': 'fear',
        'HA': 'happiness',
        'NE': 'neutral',
        'SA': 'sadness',
        'SU': 'surprise',
    }
    PATTERN = re.compile(
        r'(?P<subject>[A-Z]{2})\.(?P<label>[A-Z]{2})\d+\.\d+\.\w+',
        re.IGNORECASE | re.ASCII,
    )
    PUBLISHED_TOTALS = {'train': 213}
