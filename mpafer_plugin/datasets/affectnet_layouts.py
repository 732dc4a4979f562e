"""The two releases of AffectNet, as they lie on disk."""

import csv
import os
from collections.abc import Iterator

from .affectnet_labels import LABEL_NAMES, parse_label, read_label
from .annotations import Sample, describe_folder, read_lines

HEADER = [
    'subDirectory_filePath',
    'face_x',
    'face_y',
    'face_width',
    'face_height',
    'facial_landmarks',
    'expression',
    'valence',
    'arousal',
]
_EXPRESSION = HEADER.index('expression')

_NEW_FOLDERS = {'train': 'train_set', 'val': 'val_set'}
_OLD_LISTS = {'train': 'training.csv', 'val': 'validation.csv'}
_LISTS_FOLDER = 'Manually_Annotated_file_lists'
_PICTURES_FOLDER = 'Manually_Annotated_Images'
_PICTURES_FOLDERS = (
    '',
    _PICTURES_FOLDER,
    # how the archive's parts unpack
    os.path.join('Manually_Annotated', _PICTURES_FOLDER),
)
_ENDING = '_exp.npy'
_PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff')

_LAYOUTS = f"""the layouts are
  new release: train_set/images/0.jpg, train_set/annotations/0{_ENDING},
    val_set/images/1.jpg, val_set/annotations/1{_ENDING}
  old release: training.csv and validation.csv, there or in
    {_LISTS_FOLDER}/; the pictures they list there or in
    {_PICTURES_FOLDER}/"""


def read_part(data_root: str, part: str) -> tuple[str, Iterator[Sample]]:
    """Find out which release lies under the data root, and read one part.

    Where both lie there, the new one is read.

    Args:
        data_root (str): The folder of the data set.
        part (str): The official part, 'train' or 'val'.

    Returns:
        tuple[str, Iterator[Sample]]: What is read, relative to the data root,
        and its pictures. Labels are names of :data:`LABEL_NAMES`, so those
        of no expression are among them.

    Raises:
        FileNotFoundError: If neither release is there.
    """
    folder = _NEW_FOLDERS[part]
    new = os.path.join(folder, 'annotations')
    if os.path.isdir(os.path.join(data_root, new)):
        return new, read_new_release(data_root, folder)
    lists = [_OLD_LISTS[part], os.path.join(_LISTS_FOLDER, _OLD_LISTS[part])]
    for old in lists:
        if os.path.isfile(os.path.join(data_root, old)):
            return old, read_old_release(data_root, old)
    found = [describe_folder(data_root)]
    for name in (folder, _LISTS_FOLDER):
        if os.path.isdir(os.path.join(data_root, name)):
            found.append(describe_folder(os.path.join(data_root, name)))
    raise FileNotFoundError(
        f"no annotations of AffectNet's official {part} part: none of "
        f'{[os.path.join(data_root, path) for path in (new, *lists)]} '
        f'exists; {"; ".join(found)}; {_LAYOUTS}'
    )


def read_new_release(data_root: str, folder: str) -> Iterator[Sample]:
    """Read ``annotations/<id>_exp.npy`` of one part of the new release.

    Files in ``images`` that are no pictures by their ending are no matter.

    Args:
        data_root (str): The folder of the data set.
        folder (str): ``train_set`` or ``val_set``.

    Yields:
        Sample: One for each annotation, in the order of their ids as text.

    Raises:
        FileNotFoundError: If ``images`` or annotations are absent.
        ValueError: If an annotation is none, or two pictures have one id.
    """
    annotations = os.path.join(data_root, folder, 'annotations')
    ids = {
        name.removesuffix(_ENDING)
        for name in os.listdir(annotations)
        if name.endswith(_ENDING) and not name.startswith('.')
    }
    pictures = _list_pictures(data_root, folder)
    alone = sorted(pictures.keys() - ids)
    if alone:
        first = [os.path.join(folder, 'images', pictures[i]) for i in alone]
        raise FileNotFoundError(
            f'{len(alone)} of {len(pictures)} pictures have no annotation '
            f'<id>{_ENDING} in {annotations!r}; the first: {first[:5]}'
        )
    for picture_id in sorted(ids):
        ann_file = os.path.join(annotations, picture_id + _ENDING)
        # a name that is not there is what check_pictures then tells of
        name = pictures.get(picture_id, f'{picture_id}.jpg')
        yield Sample(
            os.path.join(folder, 'images', name),
            read_label(ann_file),
            ann_file,
            1,
            key=picture_id,
        )


def _list_pictures(data_root: str, folder: str) -> dict[str, str]:
    """List the pictures of one part of the new release, by id."""
    images = os.path.join(data_root, folder, 'images')
    if not os.path.isdir(images):
        raise FileNotFoundError(
            f'no pictures: {images!r} is no folder; '
            f'{describe_folder(os.path.dirname(images))}; {_LAYOUTS}'
        )
    pictures: dict[str, str] = {}
    for name in sorted(os.listdir(images)):
        stem, ending = os.path.splitext(name)
        if ending.lower() not in _PICTURES or name.startswith('.'):
            continue
        if stem in pictures:
            raise ValueError(
                f'{images}: {pictures[stem]!r} and {name!r} are two pictures '
                f'for the one annotation {stem}{_ENDING}'
            )
        pictures[stem] = name
    return pictures


def read_old_release(data_root: str, ann_file: str) -> Iterator[Sample]:
    """Read a CSV of the old release, with or without its header.

    Args:
        data_root (str): The folder of the data set.
        ann_file (str): The CSV, relative to it.

    Yields:
        Sample: One for each row; boxes and landmarks are passed over.

    Raises:
        FileNotFoundError: If there is no folder of pictures.
        ValueError: If a row is not AffectNet's.
    """
    ann_file = os.path.join(data_root, ann_file)
    folder = None
    for place, (line, text) in enumerate(read_lines(ann_file)):
        row = _split(text)
        if place == 0 and row[0] == HEADER[0]:
            if row != HEADER:
                raise ValueError(
                    f'{ann_file}:{line}: the header is {row}; expected '
                    f'{HEADER}, or no header'
                )
            continue
        # the landmarks are too long to quote
        if len(row) != len(HEADER) or not row[0]:
            raise ValueError(
                f'{ann_file}:{line}: cannot read the row of {len(row)} '
                f'columns that starts with {text[:60]!r}; expected '
                f'the {len(HEADER)} columns {",".join(HEADER)}'
            )
        label = LABEL_NAMES.get(row[_EXPRESSION])
        if label is None:
            label = parse_label(row[_EXPRESSION], f'{ann_file}:{line}')
        if folder is None:
            where = f'{ann_file}:{line}'
            folder = _pictures_folder(data_root, row[0], where)
        path = os.path.join(folder, row[0])
        yield Sample(path, label, ann_file, line, key=row[0])


def _split(line: str) -> list[str]:
    """Take a row apart: csv for all 290 MB would take twice as long."""
    if '"' not in line:
        fields = line.split(',')
    else:
        try:
            (fields,) = csv.reader([line])
        except csv.Error:  # longer than any field of AffectNet
            return []
    return [field.strip() for field in fields]


def _pictures_folder(data_root: str, listed: str, where: str) -> str:
    """Tell where the listed pictures lie, by the first one of them."""
    top = listed.split('/')[0]
    for folder in _PICTURES_FOLDERS:
        if os.path.exists(os.path.join(data_root, folder, top)):
            return folder
    for folder in _PICTURES_FOLDERS[1:]:
        # the first ones are absent, which check_pictures then tells of
        if os.path.isdir(os.path.join(data_root, folder)):
            return folder
    tried = [os.path.join(data_root, f, top) for f in _PICTURES_FOLDERS]
    raise FileNotFoundError(
        f'{where}: no pictures: {listed!r} is listed, but none of {tried} '
        f'exists; {describe_folder(data_root)}; {_LAYOUTS}'
    )
