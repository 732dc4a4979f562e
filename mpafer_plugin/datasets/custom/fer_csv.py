import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import DATASETS

from ..annotations import Sample
from .custom_fer_dataset import OwnFERDataset
from .fer_folder import SPLIT_FOLDERS

_EXPECTED = (
    "expected a header with the columns 'path' and 'label' and, if there are "
    "parts, 'split', separated by commas, such as 'path,label,split'"
)


@DATASETS.register_module()
class FERCsv(OwnFERDataset):
    """One's own images, listed in a CSV file with any class names.

    Dataset directory: ::

        data_root
        ├── labels.csv
        └── faces                     # wherever the file says
            ├── 1.jpg
            └── ...

    The file has a header: ::

        path,label,split,subject
        faces/1.jpg,Happy,train,Ann
        faces/2.jpg,bored,test,Bob

    The columns may stand in any order, and others than these three are
    passed over. Paths are relative to the data root, with slashes. The split
    is train, val (or valid, validation) or test, in any case. Without a
    ``split`` column all images are training images; without rows of
    ``val`` a share of the training images is held out as 'val'. The file
    is in UTF-8, with or without a BOM, with any line ending; blank lines do
    not matter.

    Args:
        data_root (str): The folder that paths are relative to.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        ann_file (str): The CSV file, relative to ``data_root`` and in it.
            Defaults to 'labels.csv'.
        **kwargs: ``classes``, ``val_fraction`` (used where no row is of
            ``val``) and ``val_seed`` as in :class:`FERFolder`; labels that
            mean the same class, such as Happy and happiness, are one. All
            else as in :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument or a row is wrong.
        FileNotFoundError: If the file or listed images are absent, or no
            row is of the split.

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
        # mmengine's own attribute ann_file stays empty, as in all readers
        self.listed = ann_file
        super().__init__(data_root, split, **kwargs)

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Find the labels of each part; reads and checks the whole file."""
        names: dict[str, dict[str, str]] = {}
        for part, sample in self._rows():
            names.setdefault(part, {}).setdefault(sample.label, sample.where)
        if not names:
            raise ValueError(
                f'{self.root.join(self.listed)}: no row follows the header'
            )
        return names

    def read_part(self, part: str) -> list[Sample]:
        """Read the rows of one part."""
        return [sample for own, sample in self._rows() if own == part]

    def how_to_add(self, part: str) -> str:
        """Say in words how images of a part are listed."""
        return (
            f'list them in {self.root.join(self.listed)!r} with {part!r} in '
            "the column 'split'"
        )

    def label_rule_text(self) -> str:
        """Say in words where labels are from."""
        return f'as annotated in {self.listed}'

    def _rows(self) -> Iterator[tuple[str, Sample]]:
        """Read the whole file: each row's part and image."""
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
                    f'{",".join(row)!r}; expected {len(header)}, for the '
                    f'header is {",".join(header)!r}'
                )
            fields = {name: row[place] for name, place in columns.items()}
            _check(fields, where)
            path, label = fields['path'], fields['label']
            same = posixpath.normpath(path)
            if same in first_line:
                raise ValueError(
                    f'{where}: {path!r} is listed twice, first on line '
                    f'{first_line[same]}'
                )
            first_line[same] = number
            part = SPLIT_FOLDERS[fields.get('split', 'train').lower()]
            yield part, Sample(path, label, ann_file, number, same)


def _columns(header: list[str], where: str) -> dict[str, int]:
    """Find the places of the columns that are read."""
    names = [name.lower() for name in header]
    columns: dict[str, int] = {
        name: names.index(name)
        for name in ('path', 'label', 'split')
        if name in names
    }
    if 'path' not in columns or 'label' not in columns:
        raise ValueError(f'{where}: the header is {header}; {_EXPECTED}')
    for name in columns:
        if names.count(name) > 1:
            raise ValueError(
                f'{where}: the column {name!r} stands twice in {header}'
            )
    return columns


def _check(fields: Mapping[str, str], where: str) -> None:
    """Refuse a row that says nothing, or in a way we do not read."""
    for name in ('path', 'label'):
        if not fields[name]:
            raise ValueError(f'{where}: the {name} is empty')
    if '\\' in fields['path']:
        raise ValueError(
            f'{where}: the path {fields["path"]!r} has a backslash; write '
            'slashes, on every system'
        )
    if fields.get('split', 'train').lower() not in SPLIT_FOLDERS:
        raise ValueError(
            f'{where}: unknown split {fields["split"]!r}; it is one of '
            f'{tuple(SPLIT_FOLDERS)}, in any case'
        )
