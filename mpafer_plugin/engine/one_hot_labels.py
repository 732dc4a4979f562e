from typing import Any

from torch import nn

from .distributed import unwrap_model


def set_num_classes(model: nn.Module) -> None:
    """Set the number of classes of one-hot labels to that of the head.

    mmpretrain's data preprocessor makes one-hot labels with ``to_onehot`` or
    ``batch_augments`` (Mixup, CutMix), in testing too, and has to be told the
    number of classes beside the head.

    Args:
        model (nn.Module): A classifier, may be wrapped.

    Raises:
        ValueError: If the preprocessor states another number than the head.
    """
    model = unwrap_model(model)
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    number = getattr(getattr(model, 'head', None), 'num_classes', None)
    if number is None or not getattr(preprocessor, 'to_onehot', False):
        return
    if preprocessor.num_classes is None:
        preprocessor.num_classes = number
    if preprocessor.num_classes != number:
        raise ValueError(
            f'data_preprocessor.num_classes={preprocessor.num_classes!r}, the '
            f'head has {number} classes: leave num_classes out'
        )
