from mmpretrain.registry import DATASETS

from ..categories import SEVEN_EXPRESSIONS
from ..custom import FERFolder


@DATASETS.register_module()
class SFEW(FERFolder):
    """SFEW 2.0, frames of films, seven expressions.

    Dataset directory: ::

        sfew
        ├── Train
        │   ├── Angry
        │   │   └── ...
        │   └── ...
        └── Val
            └── ...

    The labels of the test part are withheld, and papers report on the
    validation part. So ``split='test'`` is all of it; ``split='val'``, to
    select the best epoch, is held out of the training part.

    Args:
        data_root (str): The folder ``sfew`` above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        **kwargs: See :class:`FERFolder`.
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Dhall et al., "Video and image based emotion recognition '
        'challenges in the wild: EmotiW 2015", ICMI 2015',
    }
    NAMES = {name: name for name in SEVEN_EXPRESSIONS}  # and no others
    PUBLISHED_TOTALS = {'train': 958, 'val': 436}
    TEST_PART = 'val'
    TEST_RULE = (
        'the official validation part, which papers report since the labels '
        'of the official test part are withheld'
    )
    TRAIN_RULE = 'official training images'
