"""The two releases of AffectNet on disk."""

import csv
import posixpath
from collections.abc import Iterator

from mpafer_plugin.utils.image_files import is_image

from ..annotations import Sample
from ..data_root import DataRoot
from .labels import LABEL_NAMES, parse_label, read_label

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
_IMAGES_FOLDER = 'Manually_Annotated_Images'
_IMAGES_FOLDERS = (
    '',
    _IMAGES_FOLDER,
    # as the archive unpacks
    f'Manually_Annotated/{_IMAGES_FOLDER}',
)
_ENDING = '_exp.npy'

_LAYOUTS = f"""the layouts are
  new release: train_set/images/0.jpg, train_set/annotations/0{_ENDING},
    val_set/images/1.jpg, val_set/annotations/1{_ENDING}
  old release: training.csv and validation.csv, at the root or in
    {_LISTS_FOLDER}/; the images they list at the root or in
    {_IMAGES_FOLDER}/"""


def read_part(root: DataRoot, part: str) -> tuple[str, Iterator[Sample]]:
    """Detect the release under the data root and read one part.

    If both are found, the new one is read.

    Args:
        root (DataRoot): The folder of the dataset.
        part (str): The official part, 'train' or 'val'.

    Returns:
        tuple[str, Iterator[Sample]]: Annotation file or folder, relative to
        the data root, and its images. Labels are names of
        :data:`LABEL_NAMES`, including those that are not expressions.

    Raises:
        FileNotFoundError: If neither release is found.
    """
    folder = _NEW_FOLDERS[part]
    new = f'{folder}/annotations'
    if root.is_folder(new):
        return new, read_new_release(root, folder)
    lists = [_OLD_LISTS[part], f'{_LISTS_FOLDER}/{_OLD_LISTS[part]}']
    for old in lists:
        if root.is_file(old):
            return old, read_old_release(root, old)
    found = [root.describe()]
    for name in (folder, _LISTS_FOLDER):
        if root.is_folder(name):
            found.append(root.describe(name))
    raise FileNotFoundError(
        f"no annotations of AffectNet's official {part} part: none of "
        f'{[root.join(path) for path in (new, *lists)]} '
        f'exists; {"; ".join(found)}; {_LAYOUTS}'
    )


def read_new_release(root: DataRoot, folder: str) -> Iterator[Sample]:
    """Read ``annotations/<id>_exp.npy`` of one part of the new release.

    Files in ``images`` without an image extension are ignored.

    Args:
        root (DataRoot): The folder of the dataset.
        folder (str): ``train_set`` or ``val_set``.

    Yields:
        Sample: One for each annotation, in the order of their ids as text.

    Raises:
        FileNotFoundError: If ``images`` or annotations are absent.
        ValueError: If an annotation is invalid, or two images have one id.
    """
    annotations = f'{folder}/annotations'
    ids = {
        name.removesuffix(_ENDING)
        for name in root.entries(annotations)
        if name.endswith(_ENDING)
    }
    images = _list_images(root, folder)
    alone = sorted(images.keys() - ids)
    if alone:
        first = [f'{folder}/images/{images[i]}' for i in alone]
        raise FileNotFoundError(
            f'{len(alone)} of {len(images)} images have no annotation '
            f'<id>{_ENDING} in {root.join(annotations)!r}; the first: '
            f'{first[:5]}'
        )
    for image_id in sorted(ids):
        name = f'{annotations}/{image_id}{_ENDING}'
        ann_file = root.join(name)
        label = read_label(root.read(name), ann_file)
        # check_images then reports a name that does not exist.
        image = images.get(image_id, f'{image_id}.jpg')
        yield Sample(
            f'{folder}/images/{image}',
            label,
            ann_file,
            0,
            key=image_id,
        )


def _list_images(root: DataRoot, folder: str) -> dict[str, str]:
    """List the images of one part of the new release, by id."""
    image_folder = f'{folder}/images'
    if not root.is_folder(image_folder):
        raise FileNotFoundError(
            f'no images: {root.join(image_folder)!r} is no folder; '
            f'{root.describe(folder)}; {_LAYOUTS}'
        )
    images: dict[str, str] = {}
    for name in root.entries(image_folder):
        if not is_image(name):
            continue
        stem = posixpath.splitext(name)[0]
        if stem in images:
            raise ValueError(
                f'{root.join(image_folder)}: {images[stem]!r} and {name!r} '
                f'are two images for the one annotation {stem}{_ENDING}'
            )
        images[stem] = name
    return images


def read_old_release(root: DataRoot, listed: str) -> Iterator[Sample]:
    """Read a CSV of the old release, with or without its header.

    Args:
        root (DataRoot): The folder of the dataset.
        listed (str): The CSV in it.

    Yields:
        Sample: One for each row; boxes and landmarks are ignored.

    Raises:
        FileNotFoundError: If there is no folder of images.
        ValueError: If a row is not AffectNet's.
    """
    ann_file = root.join(listed)
    folder = None
    for place, (line, text) in enumerate(root.lines(listed)):
        row = _split(text)
        if place == 0 and row[0] == HEADER[0]:
            if row != HEADER:
                raise ValueError(
                    f'{ann_file}:{line}: the header is {row}; expected '
                    f'{HEADER}, or no header'
                )
            continue
        # The landmarks are too long to quote.
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
            folder = _images_folder(root, row[0], where)
        name = row[0]
        if './' in name or '//' in name:  # rare, and slow to check
            name = posixpath.normpath(name)
        path = f'{folder}/{name}' if folder else name
        yield Sample(path, label, ann_file, line, key=name)


def _split(line: str) -> list[str]:
    """Split a row; csv would take twice as long for all 290 MB."""
    if '"' not in line:
        fields = line.split(',')
    else:
        try:
            (fields,) = csv.reader([line])
        except csv.Error:  # longer than any field of AffectNet
            return []
    return [field.strip() for field in fields]


def _images_folder(root: DataRoot, listed: str, where: str) -> str:
    """Find the folder of the listed images by the first of them."""
    top = listed.split('/')[0]
    for folder in _IMAGES_FOLDERS:
        name = posixpath.join(folder, top)
        if root.is_folder(name) or root.is_file(name):
            return folder
    for folder in _IMAGES_FOLDERS[1:]:
        # check_images then reports that the first ones are absent.
        if root.is_folder(folder):
            return folder
    tried = [root.join(posixpath.join(f, top)) for f in _IMAGES_FOLDERS]
    raise FileNotFoundError(
        f'{where}: no images: {listed!r} is listed, but none of {tried} '
        f'exists; {root.describe()}; {_LAYOUTS}'
    )
