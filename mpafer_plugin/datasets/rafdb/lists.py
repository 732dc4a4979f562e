"""The layouts of RAF-DB that are lists of lines ``train_00001.jpg 5``."""

import posixpath
from collections.abc import Iterator, Mapping

from ..annotations import Sample
from ..data_root import DataRoot
from .labels import parse_label, picture_key


def read_official(
    root: DataRoot, listed: str, images: str, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Read the official label file, which lists both parts.

    Args:
        root (DataRoot): The folder of the data set.
        listed (str): The label file there.
        images (str): The folder of pictures there; in a folder ``aligned``
            their names end with ``_aligned``.
        numbers (Mapping[int, str]): What the labels mean.

    Yields:
        Sample: One for each line.

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

    APViT's own code takes ``_aligned`` out of the listed names, so its
    pictures are called ``train_00001.jpg`` whatever the list says. Those that
    kept the listed name are found too.

    Args:
        root (DataRoot): The folder of the data set.
        listed (str): ``train.txt`` or ``test.txt`` there.
        images (str): The folder ``aligned_224`` there.
        numbers (Mapping[int, str]): What the labels mean.

    Yields:
        Sample: One for each line.

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
    """Take lines apart; paths are the listed names."""
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
        yield Sample(name, label, ann_file, number, picture_key(name))
