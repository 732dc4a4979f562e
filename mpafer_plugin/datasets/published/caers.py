from mmpretrain.registry import DATASETS

from ..categories import SEVEN_EXPRESSIONS
from ..custom import FERFolder


@DATASETS.register_module()
class CAERS(FERFolder):
    """CAER-S, frames of television series, seven expressions.

    Dataset directory: ::

        caers
        ├── train
        │   ├── Anger
        │   │   ├── 0001.png
        │   │   └── ...
        │   └── ...
        └── test
            └── ...

    The images are whole frames: a recogniser of faces needs them cropped
    first, by ``mpafer prepare-faces``. A share of the training images is held
    out as ``split='val'``.

    Args:
        data_root (str): The folder ``caers`` above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        **kwargs: See :class:`FERFolder`.
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Lee et al., "Context-aware emotion recognition networks", '
        'ICCV 2019',
    }
    NAMES = {name: name for name in SEVEN_EXPRESSIONS}  # and no others
    TEST_RULE = 'the official test split'
    TRAIN_RULE = 'official training images'
    released_crop = 'whole frames, faces not cropped'
