import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import DATASETS

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..categories import canonical_name
from ..votes import VOTE_RULES
from .arguments import check_crop, check_delimiter, check_names
from .columns import Columns, find_columns
from .custom_fer_dataset import CustomFERDataset
from .row_parser import RowParser
from .split_folders import SPLIT_FOLDERS
from .tables import find_tables, is_hugging_face, table_rows

_SHOWN = 20  # contradictions in the error


@DATASETS.register_module()
class FERCsv(CustomFERDataset):
    """A user's own images, listed in a table with any class names.

    The table ``labels.csv`` in ``data_root`` has a header: ::

        path,label,split,subject
        faces/1.jpg,Happy,train,Ann
        faces/2.jpg,bored,test,Bob

    Columns may be in any order; others are ignored. The split is train, val
    (or valid, validation) or test, in any case. Without a ``split`` column
    all images are training images; without rows of ``val`` a share of the
    training images is held out as 'val'. Rows that agree are one.

    A CSV file is in UTF-8 or, with a BOM, UTF-16, separated by commas,
    semicolons, tabs or bars, with any line ending; blank lines are ignored.
    ``.jsonl`` (an object a line) and ``.parquet`` files are read too.

    ``ann_file='metadata.csv'`` (or ``.jsonl``, ``.parquet``) is read as in a
    Hugging Face image folder: paths are in the column ``file_name``, relative
    to the table. If it is in ``train``, ``validation`` and ``test`` folders
    rather than in the data root, these are the splits; in the data root the
    first folder of a path names its split.

    Args:
        data_root (str): The folder that paths are relative to.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        ann_file (str): The table, relative to ``data_root`` and in it.
            Defaults to 'labels.csv'.
        columns (Mapping, optional): Names of the columns, if they are others:
            ``dict(path='file_name', label='choice', split=..., subject=...)``.
            Four columns ``x1``, ``y1``, ``x2``, ``y2`` are the edges of the
            face in pixels, which is cropped; an image may have several rows
            then. ``votes=[...]`` lists columns with the votes for each class,
            ``groups=[...]`` those by which ``mpafer report`` groups people.
            Defaults to None.
        group (str, optional): The ``subject`` column's name, another way to
            give it. Of images with the same value all or none are held out.
            Defaults to None.
        label_rule (str, optional): How votes, or shares, give a label:
            'distribution' (they are soft targets, their argmax is the label),
            'argmax' or 'majority' (more than half; other images are left out
            and counted). Defaults to None, for a column of labels.
        prefix (str): Put before each path, such as 'images/'. Defaults to ''.
        strip_prefix (str): Taken off the start of each path before.
            Defaults to ''.
        delimiter (str, optional): Separator of a CSV file. Defaults to None,
            which means by its first line.
        crop (Mapping, optional): How boxes are cropped: ``size`` and
            ``margin`` of :class:`FaceCrop`. Checkpoints hold it, so that
            inference crops alike. Defaults to None, its defaults.
        **kwargs: ``names``, ``classes``, ``val_fraction`` (used if no row is
            of ``val``) and ``val_seed`` as in :class:`FERFolder`; labels of
            the same class, such as Happy and happiness, are one. Others as in
            :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument or a row is wrong, or rows contradict each
            other: all of them are listed.
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
        >>> # 200 rows of train, none of val
        >>> len(FERCsv('data/mine')), len(FERCsv('data/mine', 'val'))
        (180, 20)
    """

    #: Columns of a table without a header; None if it has one.
    HEADER: list[str] | None = None

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        ann_file: str = 'labels.csv',
        columns: Mapping | None = None,
        group: str | None = None,
        label_rule: str | None = None,
        prefix: str = '',
        strip_prefix: str = '',
        delimiter: str | None = None,
        crop: Mapping | None = None,
        **kwargs: Any,
    ) -> None:
        if ann_file.startswith('/') or '..' in PurePath(ann_file).parts:
            raise ValueError(
                f'FERCsv: ann_file is {ann_file!r}; it must lie in the data '
                f'root {data_root!r} and be relative to it'
            )
        if label_rule not in (None, *VOTE_RULES):
            raise ValueError(
                f'unknown label_rule {quote(label_rule)}; the rules for votes '
                f'are {tuple(VOTE_RULES)}'
            )
        self.listed = ann_file
        self.columns = check_names(columns, label_rule is not None)
        subject = self.columns.get('subject')
        if None not in (group, subject) and group != subject:
            raise ValueError(
                f"FERCsv: group={group!r}, but columns['subject'] is "
                f'{subject!r}; give one of them'
            )
        group = self.columns['subject'] = group or subject
        self.label_rule = label_rule
        self.prefix, self.strip_prefix = prefix, strip_prefix
        self.delimiter = check_delimiter(delimiter)
        self._crop = check_crop(crop)
        super().__init__(data_root, split, group=group, **kwargs)

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Read and check the table, and list the labels of each part."""
        self._parts: dict[str, list[Sample]] = {}
        names: dict[str, dict[str, str]] = {}
        for part, sample in self._unique_rows():
            self._parts.setdefault(part, []).append(sample)
            labels = names.setdefault(part, {})
            for label in self._classes or [sample.label]:
                labels.setdefault(label, sample.where)
        if not names:
            raise ValueError(
                f'{self.root.join(self.listed)}: no row follows the header'
            )
        self.labelling = f'as annotated in {self.listed}'
        if self.label_rule is not None:
            self.labelling = f'{VOTE_RULES[self.label_rule]} in {self.listed}'
            self.labelling += f'; {self._undecided} images without a label'
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

    def _unique_rows(self) -> Iterator[tuple[str, Sample]]:
        """Read part and sample of each row that does not repeat another."""
        first: dict[str, tuple[str, Sample]] = {}
        wrong = []
        self._repeated = self._undecided = 0
        for part, sample in self._rows():
            earlier = first.setdefault(sample.key, (part, sample))
            facts, known = self._facts(part, sample), self._facts(*earlier)
            if facts != known:
                wrong.append(
                    f'{sample.where}: {quote(sample.path)} is {quote(facts)}, '
                    f'but {quote(known)} on line {earlier[1].line}'
                )
            elif earlier[1] is not sample:
                self._repeated += 1
            elif not sample.label:
                self._undecided += 1
            else:
                yield part, sample
        if wrong:
            more = len(wrong) - _SHOWN
            raise ValueError(
                f'{len(wrong)} rows contradict others:\n'
                + '\n'.join(wrong[:_SHOWN])
                + (f'\nand {more} more' if more > 0 else '')
            )

    def _rows(self) -> Iterator[tuple[str, Sample]]:
        """Read and check part and sample of each row of all tables."""
        for table, part in find_tables(self.root, self.listed).items():
            ann_file = self.root.join(table)
            rows = table_rows(self.root, table, self.delimiter)
            number, header = 1, self.HEADER
            if header is None:
                number, header = next(rows, (1, []))
            columns = find_columns(
                header, self.columns, f'{ann_file}:{number}'
            )
            self._prepare(columns, header, ann_file)
            parser = RowParser(
                columns,
                self.rename,
                self.label_rule,
                self.prefix,
                self.strip_prefix,
            )
            for number, row in rows:
                parser.check(row, header, f'{ann_file}:{number}')
                yield self._parse(row, parser, table, number, part)

    def _prepare(
        self, columns: Columns, header: list[str], ann_file: str
    ) -> None:
        """Take note of persons, boxes and votes."""
        if columns.subject is not None:
            self.likely_group = header[columns.subject]
        if columns.box:
            self.box_crop = FaceCrop(**{'align': False, **self._crop})
        elif self._crop:
            raise ValueError(
                f'crop={self._crop}, but {ann_file} has no boxes; its columns '
                f'are {quote(header)}'
            )
        self._classes = [
            canonical_name(self.rename(name, ann_file))
            for name in columns.votes
        ]

    def _parse(
        self,
        row: list[str],
        parser: RowParser,
        table: str,
        number: int,
        part: str,
    ) -> tuple[str, Sample]:
        """Parse the part and the sample of a row."""
        ann_file = self.root.join(table)
        where = f'{ann_file}:{number}'
        path = parser.path(row, where)
        if part:
            path = posixpath.join(posixpath.dirname(table), path)
        else:
            split = self._split(row, parser.columns, path)
            if split.lower() not in SPLIT_FOLDERS:
                raise ValueError(
                    f'{where}: unknown split {quote(split)}; it is one of '
                    f'{tuple(SPLIT_FOLDERS)}, in any case'
                )
            part = SPLIT_FOLDERS[split.lower()]
        label, score = parser.label(row, where)
        subject = parser.columns.subject
        group = '' if subject is None else row[subject]
        if not group and self.group is not None and part == 'train':
            raise ValueError(f'{where}: the {self.group} is empty')
        key, box = posixpath.normpath(path), parser.box(row, where)
        if box is not None:  # an image may have several faces
            key = f'{key} {box}'
        groups = {n: row[i] for n, i in parser.columns.groups.items()}
        return part, Sample(
            path, label, ann_file, number, key, score, group, box, groups
        )

    def _split(self, row: list[str], columns: Columns, path: str) -> str:
        """Return the split of a row as written."""
        if columns.split is not None:
            return row[columns.split]
        top = path.split('/')[0] if is_hugging_face(self.listed) else ''
        return top if top.lower() in SPLIT_FOLDERS else 'train'

    def _facts(self, part: str, sample: Sample) -> dict[str, Any]:
        """Return what has to agree in all rows of one image."""
        facts: dict[str, Any] = dict(
            label=canonical_name(sample.label), split=part
        )
        if self.group is not None:
            facts[self.group] = sample.group
        if sample.score is not None:
            facts |= dict(score=dict(sample.score))
        return facts | dict(sample.groups or {})
