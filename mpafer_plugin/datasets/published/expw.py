from typing import Any

from mmpretrain.registry import DATASETS

from ..categories import SEVEN_EXPRESSIONS
from ..custom import FERCsv
from ..data_root import DataRoot
from ..layouts import Layout, find_layout
from .fer2013 import FER2013

_IMAGES = ('image/origin', 'origin', 'images', 'image')


@DATASETS.register_module()
class ExpW(FERCsv):
    """ExpW, 91,793 faces in web images, seven expressions.

    Dataset directory, also without the folders ``label`` and ``image``: ::

        expw
        ├── label
        │   └── label.lst       # name.jpg 0 top left right bottom 91.5 3
        └── image
            └── origin
                ├── name.jpg
                └── ...

    Each line is a face (its number in the image, the edges of its box, the
    detector's confidence, the expression); each box is cropped. There are no
    official splits: test by ``folds``. All faces of an image are in one
    split; persons are not known.

    Args:
        data_root (str): The folder ``expw`` above.
        split (str): 'train', 'val' or, with ``folds``, 'test'. Defaults to
            'train'.
        **kwargs: ``crop`` and others, see :class:`FERCsv`.
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Zhang et al., "From facial expression recognition to '
        'interpersonal relation prediction", IJCV 2018',
    }
    NAMES = FER2013.NAMES  # the same numbers
    HEADER = [
        'image', 'face_id', 'top', 'left', 'right', 'bottom', 'confidence',
        'label',
    ]  # fmt: skip
    PUBLISHED_TOTALS = {'train': 91793}
    TRAIN_RULE = 'images'
    released_crop = 'whole images'

    def __init__(
        self, data_root: str, split: str = 'train', **kwargs: Any
    ) -> None:
        layouts = [
            Layout('ExpW', (listed, images))
            for listed in ('label/label.lst', 'label.lst')
            for images in _IMAGES
        ]
        root = DataRoot(data_root, kwargs.get('backend_args'))
        layout = find_layout(
            root,
            layouts,
            'ExpW',
            'the layout is label/label.lst, image/origin/',
        )
        listed, images = layout.needs
        columns = dict(
            path='image', subject='image',
            x1='left', y1='top', x2='right', y2='bottom',
        )  # fmt: skip
        super().__init__(
            data_root,
            split,
            ann_file=listed,
            columns=columns,
            prefix=f'{images}/',
            delimiter=' ',
            **kwargs,
        )

    def how_to_add(self, part: str) -> str:
        """Advise on how to get a part."""
        return 'test by folds, such as folds=10, fold=0'
