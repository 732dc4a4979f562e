from typing import Any

from mmengine.config import Config

from .base_fer_dataset import BaseFERDataset
from .relabel import merge_classes
from .wrappers import dataset_class, inner_datasets

_KEYS = ('classes', 'merge')


def relabel_config(cfg: Config) -> None:
    """Choose, merge and rename the classes of a config's data and model.

    ``relabel = dict(classes=[...], merge={...})`` in a config sets these
    arguments of all its datasets (see :class:`BaseFERDataset`), and the
    classes of its head. A config that was changed so may be changed again.

    Args:
        cfg (Config): Changed in place; without ``relabel`` it stays.

    Raises:
        ValueError: If a key is unknown, a dataset is not of this package, or
            the classes of a head that does not name them are not known.
    """
    wanted = cfg.get('relabel')
    if wanted is None:
        return
    unknown = sorted(set(wanted) - set(_KEYS))
    if unknown or not wanted:
        raise ValueError(
            f'relabel has the keys {sorted(wanted)}; it takes {list(_KEYS)}'
        )
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for dataset in inner_datasets((cfg.get(name) or {}).get('dataset')):
            kind = dataset and dataset_class(dataset)
            if isinstance(kind, type) and issubclass(kind, BaseFERDataset):
                dataset.update(wanted)
            elif dataset is not None:
                raise ValueError(
                    f'relabel is for the datasets of mpafer_plugin, not for '
                    f'the {dataset["type"]} of {name}'
                )
    head: Any = (cfg.get('model') or {}).get('head') or {}
    classes, merge = (wanted.get(key) for key in _KEYS)
    text = head.get('text') or {}
    if 'classes' in text:
        names = classes or text['classes']
        text['classes'] = list(merge_classes(names, merge))
        if merge is not None:  # by key: a ConfigDict has a method `merge`
            text['merge'] = merge
    elif 'num_classes' in head:
        names = classes or cfg.get('classes')
        if names is None:
            raise ValueError(
                f'relabel={wanted}: a {head["type"]} does not name its '
                'classes; give relabel.classes'
            )
        head.num_classes = len(merge_classes(names, merge))
