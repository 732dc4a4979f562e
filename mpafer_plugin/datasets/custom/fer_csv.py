import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import DATASETS

from ..annotations import Sample
from .custom_fer_dataset import CustomFERDataset
from .fer_folder import SPLIT_FOLDERS


@DATASETS.register_module()
class FERCsv(CustomFERDataset):
    """A user's own images, listed in a CSV file with any class names.

    Dataset directory: ::

        data_root
        ├── labels.csv
        └── faces                     # any folders
            ├── 1.jpg
            └── ...

    The file has a header: ::

        path,label,split,subject
        faces/1.jpg,Happy,train,Ann
        faces/2.jpg,bored,test,Bob

    Columns may be in any order; those other than path, label and split are
    ignored. Paths are relative to the data root, with slashes. The split is
    train, val (or valid, validation) or test, in any case. Without a
    ``split`` column all images are training images; without rows of ``val``
    a share of the training images is held out as 'val'. The file is in UTF-8,
    with or without a BOM, with any line ending; blank lines are ignored.

    Args:
        data_root (str): The folder that paths are relative to.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        ann_file (str): The CSV file, relative to ``data_root`` and in it.
            Defaults to 'labels.csv'.
        **kwargs: ``classes``, ``val_fraction`` (used if no row is of
            ``val``) and ``val_seed`` as in :class:`FERFolder`; labels of the
            same class, such as Happy and happiness, are one. Others as in
            :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument or a row is wrong.
        FileNotFoundError: If the file or listed images are absent, or no row
            is of the split.

    Examples:
        >>> from mpafer_plugin.datasets import FERCsv
        >>> FERCsv('data/mine', split='test')  # 30 rows of test
        Dataset FERCsv
            Number of samples:  30
            Number of categories:       2
            Root of dataset:    data/mine
            Split:      test, the test images
            Label rule:         as annotated in labels.csv
            Crop:       as released
        >>> FERCsv('data/mine').metainfo['classes']
        ('happiness', 'bored')
        >>> # 200 rows of train, none of val
        >>> len(FERCsv('data/mine')), len(FERCsv('data/mine', 'val'))
        (180, 20)
    """

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        ann_file: str = 'labels.csv',
        **kwargs: Any,
    ) -> None:
        if ann_file.startswith('/') or '..' in PurePath(ann_file).parts:
            raise ValueError(
                f'FERCsv: ann_file is {ann_file!r}; it must lie in the data '
                f'root {data_root!r} and be relative to it'
            )
        # mmengine's own attribute ann_file stays empty.
        self.listed = ann_file
        self.labelling = f'as annotated in {ann_file}'
        super().__init__(data_root, split, **kwargs)

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Read and check the file, and list the labels of each part."""
        self._parts: dict[str, list[Sample]] = {}
        names: dict[str, dict[str, str]] = {}
        for part, sample in self._rows():
            self._parts.setdefault(part, []).append(sample)
            names.setdefault(part, {}).setdefault(sample.label, sample.where)
        if not names:
            raise ValueError(
                f'{self.root.join(self.listed)}: no row follows the header'
            )
        return names

    def read_part(self, part: str) -> list[Sample]:
        """Return the rows of one part, and release those of all parts."""
        if not self._parts:  # released before
            self.find_names()
        # Released, as each worker would hold a copy of the rows.
        parts, self._parts = self._parts, {}
        return parts[part]

    def how_to_add(self, part: str) -> str:
        """Advise on how to list images of a part."""
        return (
            f'list them in {self.root.join(self.listed)!r} with {part!r} in '
            "the column 'split'"
        )

    def _rows(self) -> Iterator[tuple[str, Sample]]:
        """Read and check the part and the sample of each row."""
        ann_file = self.root.join(self.listed)
        if not self.root.is_file(self.listed):
            raise FileNotFoundError(
                f'no file {ann_file!r}; ann_file={self.listed!r} is relative '
                f'to data_root, and {self.root.describe()}'
            )
        rows = self.root.rows(self.listed)
        number, header = next(rows, (1, []))
        columns = _columns(header, f'{ann_file}:{number}')
        first_line: dict[str, int] = {}
        for number, row in rows:
            where = f'{ann_file}:{number}'
            if len(row) != len(header):
                raise ValueError(
                    f'{where}: {len(row)} fields in the row '
                    f'{",".join(row)!r}; expected {len(header)}, as in the '
                    f'header {",".join(header)!r}'
                )
            fields = {name: row[place] for name, place in columns.items()}
            path, label = fields['path'], fields['label']
            if not path or not label:
                empty = 'label' if path else 'path'
                raise ValueError(f'{where}: the {empty} is empty')
            if '\\' in path:
                raise ValueError(
                    f'{where}: the path {path!r} has a backslash; use slashes '
                    'on every system'
                )
            split = fields.get('split', 'train')
            if split.lower() not in SPLIT_FOLDERS:
                raise ValueError(
                    f'{where}: unknown split {split!r}; it is one of '
                    f'{tuple(SPLIT_FOLDERS)}, in any case'
                )
            key = posixpath.normpath(path)
            if first_line.setdefault(key, number) != number:
                raise ValueError(
                    f'{where}: {path!r} is listed twice, first on line '
                    f'{first_line[key]}'
                )
            sample = Sample(path, label, ann_file, number, key)
            yield SPLIT_FOLDERS[split.lower()], sample


def _columns(header: list[str], where: str) -> dict[str, int]:
    """Find the index of each column that is read."""
    names = [name.lower() for name in header]
    if 'path' not in names or 'label' not in names:
        raise ValueError(
            f'{where}: the header is {header}; expected a header with the '
            "columns 'path' and 'label' and optionally 'split', separated by "
            "commas, such as 'path,label,split'"
        )
    columns: dict[str, int] = {}
    for name in ('path', 'label', 'split'):
        if names.count(name) > 1:
            raise ValueError(
                f'{where}: the column {name!r} stands twice in {header}'
            )
        if name in names:
            columns[name] = names.index(name)
    return columns
