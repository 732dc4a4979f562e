from typing import Any

from mmengine.config import Config

from mpafer_plugin.utils.quoting import quote

from .argument_types import fits
from .base_fer_dataset import BaseFERDataset
from .relabel import Merge, merge_classes, read_merge
from .wrappers import dataset_class, inner_datasets

_KEYS = ('classes', 'merge')
_HOW = dict(
    classes='no list of names',
    merge='no mapping from new names to lists of names',
)


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
    kinds = dict(zip(_KEYS, (list[str] | None, Merge | None), strict=True))
    if not isinstance(wanted, dict) or not wanted or {*wanted} - {*_KEYS}:
        raise ValueError(
            f'relabel is {quote(wanted)}; it takes the keys {list(_KEYS)}'
        )
    for key, value in wanted.items():
        if not fits(value, kinds[key]):
            raise ValueError(f'relabel: {key}={quote(value)} is {_HOW[key]}')
    try:
        read_merge(wanted.get('merge'))
    except ValueError as error:
        raise ValueError(f'relabel: {error}') from error
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
