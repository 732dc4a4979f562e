"""Layout of RAF-DB with lists like those of CUB-200-2011."""

from collections.abc import Mapping
from typing import Any

from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..data_root import DataRoot
from .labels import image_key, parse_label

LISTS = ('images.txt', 'image_class_labels.txt', 'train_test_split.txt')
_IMAGES, _LABELS, _SPLIT = LISTS
_CLASSES = 'classes.txt'
_PARTS = {'1': 'train', '0': 'test'}


def read_cub(
    root: DataRoot, numbers: Mapping[int, str]
) -> dict[str, list[Sample]]:
    """Read both parts.

    Paths are relative to the folder ``images``, as in CUB, or to the data
    root if there is none. A ``classes.txt`` defines the numbers.

    Args:
        root (DataRoot): The folder of the dataset.
        numbers (Mapping[int, str]): Number to expression otherwise.

    Returns:
        dict[str, list[Sample]]: The samples of 'train' and 'test', in the
        order of ``images.txt``.

    Raises:
        ValueError: If a line cannot be read, an id is twice in a list or not
            in each, or a value is unknown.
    """
    lists = {name: _read_ids(root, name) for name in LISTS}
    for name, ids in lists.items():
        for other in LISTS:
            for image in ids.keys() - lists[other].keys():
                raise ValueError(
                    f'{root.join(name)}:{ids[image][0]}: the id '
                    f'{quote(image)} is not in {root.join(other)!r}'
                )
    names: Mapping[Any, str] = numbers
    if root.is_file(_CLASSES):  # lines such as 1 001.Surprise
        names = {
            number: parse_label(
                name.split('.')[-1], numbers, f'{root.join(_CLASSES)}:{line}'
            )
            for number, (line, name) in _read_ids(root, _CLASSES).items()
        }
    folder = 'images/' if root.is_folder('images') else ''
    samples: dict[str, list[Sample]] = {'train': [], 'test': []}
    for image, (line, name) in lists[_IMAGES].items():
        label_line, text = lists[_LABELS][image]
        label = parse_label(text, names, f'{root.join(_LABELS)}:{label_line}')
        split_line, value = lists[_SPLIT][image]
        if value not in _PARTS:
            raise ValueError(
                f'{root.join(_SPLIT)}:{split_line}: unknown part '
                f'{quote(value)}; the parts are {_PARTS}'
            )
        path = folder + name
        samples[_PARTS[value]].append(
            Sample(path, label, root.join(_IMAGES), line, image_key(path))
        )
    return samples


def _read_ids(root: DataRoot, listed: str) -> dict[str, tuple[int, str]]:
    """Read lines such as ``1 train_00001.jpg``: id to line and value."""
    values: dict[str, tuple[int, str]] = {}
    for number, line in root.lines(listed):
        where = f'{root.join(listed)}:{number}'
        fields = line.split()
        if len(fields) != 2:
            raise ValueError(
                f"{where}: cannot read the line {quote(line)}; expected '<id> "
                "<value>'"
            )
        if fields[0] in values:
            raise ValueError(
                f'{where}: the id {quote(fields[0])} is listed twice, first '
                f'on line {values[fields[0]][0]}'
            )
        values[fields[0]] = number, fields[1]
    return values
