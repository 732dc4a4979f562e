"""Layouts of RAF-DB with lists: official, APViT and CUB."""

import posixpath
from collections.abc import Iterator, Mapping

from ..annotations import Sample
from ..data_root import DataRoot
from .labels import image_key, parse_label


def read_official(
    root: DataRoot, listed: str, images: str, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Read the official label file, which lists both parts.

    Args:
        root (DataRoot): The folder of the dataset.
        listed (str): The label file in it.
        images (str): The folder of images in it; in a folder ``aligned``
            their names end with ``_aligned``.
        numbers (Mapping[int, str]): Number to expression.

    Yields:
        Sample: One per line.

    Raises:
        ValueError: If a line is not RAF-DB's.
    """
    ending = '_aligned' if posixpath.basename(images) == 'aligned' else ''
    for sample in _read_lines(root, listed, numbers):
        stem, suffix = posixpath.splitext(sample.path)
        path = f'{images}/{stem}{ending}{suffix}'
        yield sample._replace(path=path)


def read_apvit(
    root: DataRoot, listed: str, images: str, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Read a list of one part, with or without ``_aligned`` in its names.

    APViT's own code removes ``_aligned`` from the listed names, so its images
    are named ``train_00001.jpg``. Images that kept the listed name are found
    too.

    Args:
        root (DataRoot): The folder of the dataset.
        listed (str): ``train.txt`` or ``test.txt`` in it.
        images (str): The folder ``aligned_224`` in it.
        numbers (Mapping[int, str]): Number to expression.

    Yields:
        Sample: One per line.

    Raises:
        ValueError: If a line cannot be read.
    """
    present = set(root.entries(images))
    for sample in _read_lines(root, listed, numbers):
        name = sample.path
        if name not in present:
            name = name.replace('_aligned', '')
        yield sample._replace(path=f'{images}/{name}')


def _read_lines(
    root: DataRoot, listed: str, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Parse lines ``train_00001.jpg 5``; paths are the listed names."""
    ann_file = root.join(listed)
    for number, line in root.lines(listed):
        where = f'{ann_file}:{number}'
        fields = line.split()
        if len(fields) != 2 or not fields[0].startswith(('train_', 'test_')):
            raise ValueError(
                f'{where}: cannot read the line {line!r}; expected '
                "'train_<number>.jpg <label>' or 'test_<number>.jpg <label>'"
            )
        name, label = fields[0], parse_label(fields[1], numbers, where)
        yield Sample(name, label, ann_file, number, image_key(name))


LISTS = ('images.txt', 'image_class_labels.txt', 'train_test_split.txt')
_IMAGES, _LABELS, _SPLIT = LISTS
_CLASSES = 'classes.txt'
_PARTS = {'1': 'train', '0': 'test'}


def read_cub(
    root: DataRoot, numbers: Mapping[int, str]
) -> dict[str, list[Sample]]:
    """Read both parts from lists like those of CUB-200-2011.

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
                    f'{root.join(name)}:{ids[image][0]}: the id {image!r} '
                    f'is not in {root.join(other)!r}'
                )
    names = _read_classes(root, numbers)
    folder = 'images/' if root.is_folder('images') else ''
    samples: dict[str, list[Sample]] = {'train': [], 'test': []}
    for image, (line, name) in lists[_IMAGES].items():
        label_line, text = lists[_LABELS][image]
        where = f'{root.join(_LABELS)}:{label_line}'
        if text not in names:
            raise ValueError(
                f'{where}: unknown label {text!r}; the labels are {names}'
            )
        split_line, value = lists[_SPLIT][image]
        if value not in _PARTS:
            raise ValueError(
                f'{root.join(_SPLIT)}:{split_line}: unknown part {value!r}; '
                f'the parts are {_PARTS}'
            )
        path = folder + name
        samples[_PARTS[value]].append(
            Sample(
                path, names[text], root.join(_IMAGES), line, image_key(path)
            )
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
                f"{where}: cannot read the line {line!r}; expected '<id> "
                "<value>'"
            )
        if fields[0] in values:
            raise ValueError(
                f'{where}: the id {fields[0]!r} is listed twice, first on '
                f'line {values[fields[0]][0]}'
            )
        values[fields[0]] = number, fields[1]
    return values


def _read_classes(
    root: DataRoot, numbers: Mapping[int, str]
) -> dict[str, str]:
    """Read lines ``1 001.Surprise``, or use RAF-DB's own numbers."""
    if not root.is_file(_CLASSES):
        return {str(number): name for number, name in numbers.items()}
    return {
        number: parse_label(
            name.rsplit('.', 1)[-1], numbers, f'{root.join(_CLASSES)}:{line}'
        )
        for number, (line, name) in _read_ids(root, _CLASSES).items()
    }
