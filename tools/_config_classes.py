from collections.abc import Mapping, Sequence

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS


def read_classes(
    path: str,
) -> tuple[Sequence[str], Mapping[str, str] | None]:
    """Find a config's classes and its words for them.

    Args:
        path (str): The config.

    Returns:
        tuple: The classes of its ``model.head.text`` or else of its training
        data, as they stand there, and its ``prompt_names``, or None.

    Raises:
        ValueError: If there are none to be had.
    """
    try:
        cfg = Config.fromfile(path)
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
        text = cfg.get('model')
        for key in ('head', 'text'):
            text = text.get(key) if isinstance(text, dict) else None
        text = text or {}
        words = text.get('prompt_names')
        if text.get('classes'):
            return text['classes'], words
        if not cfg.get('train_dataloader'):
            raise ValueError(
                'neither model.head.text.classes nor train_dataloader is '
                'there to take the classes from'
            )
        metainfo = DATASETS.build(cfg.train_dataloader.dataset).metainfo
        if 'classes' not in metainfo:
            raise ValueError('the training data names no classes')
        return metainfo['classes'], words
    except Exception as error:  # a config is a program, and may do anything
        told = ' '.join(f'{error}'.split())
        raise ValueError(
            f'{path}: no classes to be had: {type(error).__name__}: {told}'
        ) from error
