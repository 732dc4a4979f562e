"""Copies of AffectNet in numbered class folders, or with a table of ids."""

import posixpath
from collections.abc import Iterator

from mpafer_plugin.utils.image_files import is_image
from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..categories import canonical_name
from ..data_root import DataRoot
from .labels import LABEL_NAMES, parse_label


def read_numbered(root: DataRoot, folder: str) -> Iterator[Sample]:
    """Read class folders, named by AffectNet's ids or by name.

    Args:
        root (DataRoot): The folder of the dataset.
        folder (str): The folder of the part in it.

    Raises:
        ValueError: If a folder is no class, or an image is in none.
    """
    names = {name: str(number) for number, name in LABEL_NAMES.items()}
    for entry, kind in root.scan(folder).items():
        path = root.join(f'{folder}/{entry}')
        if kind == 'file' and is_image(entry):
            raise ValueError(
                f'{path}: the image is in no class folder; the classes are '
                f'{dict(LABEL_NAMES)}'
            )
        if kind != 'folder':
            continue
        number = names.get(canonical_name(entry), entry)
        label = parse_label(number, f'the class folder {path}')
        for name, what in root.scan(f'{folder}/{entry}').items():
            if what == 'folder':
                raise ValueError(
                    f'{path}: the folder {name!r} would not be read: put '
                    'images directly in the class folders'
                )
            if is_image(name):
                image = f'{folder}/{entry}/{name}'
                # The id alone, as in the new release.
                key = posixpath.splitext(name)[0]
                yield Sample(image, label, root.join(image), 0, key)


def read_table(root: DataRoot, listed: str, images: str) -> Iterator[Sample]:
    """Read a table with the columns ``number`` and ``expression`` or ``exp``.

    Args:
        root (DataRoot): The folder of the dataset.
        listed (str): The table in it.
        images (str): The folder of ``<number>.jpg`` in it.

    Raises:
        ValueError: If the header or a row is wrong.
    """
    ann_file, rows = root.join(listed), root.rows(listed)
    line, header = next(rows, (1, []))
    column = next((c for c in ('expression', 'exp') if c in header), None)
    if 'number' not in header or column is None:
        raise ValueError(
            f'{ann_file}:{line}: the header is {quote(header)}; expected '
            "'number' and 'expression' (or 'exp') in it"
        )
    for name in ('number', column):
        if header.count(name) > 1:
            raise ValueError(
                f'{ann_file}:{line}: the column {name!r} stands twice in '
                f'{quote(header)}'
            )
    number, expression = header.index('number'), header.index(column)
    present = {
        posixpath.splitext(name)[0]: name
        for name in root.files(images)
        if is_image(name)
    }
    for line, row in rows:
        where = f'{ann_file}:{line}'
        if len(row) != len(header) or not row[number]:
            raise ValueError(
                f'{where}: cannot read the row {",".join(row)[:60]!r}; '
                f'expected the columns {quote(header)}'
            )
        label = parse_label(row[expression], where)
        # check_images then reports a name that does not exist.
        name = present.get(row[number], f'{row[number]}.jpg')
        yield Sample(f'{images}/{name}', label, ann_file, line, row[number])
