import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..categories import canonical_name
from .custom_fer_dataset import CustomFERDataset
from .fer_folder import SPLIT_FOLDERS

_SUBJECTS = ('subject', 'subject_id', 'person', 'person_id', 'identity')
"""Columns that probably tell persons apart."""


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

    Columns may be in any order; those other than path, label, split and that
    of ``group`` are ignored. Rows that agree in these are one. Paths are
    relative to the data root, with slashes. The split is train, val (or
    valid, validation) or test, in any case. Without a ``split`` column all
    images are training images; without rows of ``val`` a share of the
    training images is held out as 'val'. The file is in UTF-8, with or
    without a BOM, with any line ending; blank lines are ignored.

    Args:
        data_root (str): The folder that paths are relative to.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        ann_file (str): The CSV file, relative to ``data_root`` and in it.
            Defaults to 'labels.csv'.
        group (str, optional): A column, such as 'subject'. Of images with the
            same value all or none are held out. Defaults to None.
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
        self.labelling = f'as annotated in {self.listed}'
        if self._repeated:
            self.labelling += f'; {self._repeated} repeated rows passed over'
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
        columns = _columns(header, self.group, f'{ann_file}:{number}')
        if 'group' in columns:
            self.likely_group = header[columns['group']]
        first: dict[str, tuple[str, Sample]] = {}
        self._repeated = 0
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
            part, group = SPLIT_FOLDERS[split.lower()], fields.get('group', '')
            if not group and self.group is not None and part == 'train':
                raise ValueError(f'{where}: the {self.group} is empty')
            key = posixpath.normpath(path)
            sample = Sample(path, label, ann_file, number, key, group=group)
            earlier = first.setdefault(key, (part, sample))
            if earlier[1] is sample:
                yield part, sample
                continue
            facts, known = self._facts(part, sample), self._facts(*earlier)
            if facts != known:
                raise ValueError(
                    f'{where}: {path!r} is {facts}, but {known} on line '
                    f'{earlier[1].line}'
                )
            self._repeated += 1

    def _facts(self, part: str, sample: Sample) -> dict[str, str]:
        """Return what has to agree in all rows of one image."""
        facts = dict(label=canonical_name(sample.label), split=part)
        if self.group is not None:
            facts[self.group] = sample.group
        return facts


def _columns(
    header: list[str], group: str | None, where: str
) -> dict[str, int]:
    """Find the index of each column that is read."""
    names = [name.lower() for name in header]
    if 'path' not in names or 'label' not in names:
        raise ValueError(
            f'{where}: the header is {header}; expected a header with the '
            "columns 'path' and 'label' and optionally 'split', separated by "
            "commas, such as 'path,label,split'"
        )
    columns: dict[str, int] = {}
    likely = [name for name in _SUBJECTS if name in names][:1]
    read = {name: name for name in ('path', 'label', 'split')}
    if group is not None or likely:
        read['group'] = group.lower() if group is not None else likely[0]
    for name, written in read.items():
        if names.count(written) > 1:
            raise ValueError(
                f'{where}: the column {written!r} stands twice in {header}'
            )
        if written in names:
            columns[name] = names.index(written)
        elif name == 'group':
            raise ValueError(
                f'{where}: group={group!r} is no column; the header is '
                f'{header}'
            )
    return columns
