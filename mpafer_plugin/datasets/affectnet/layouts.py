"""The two releases of AffectNet on disk, and common copies."""

import csv
import posixpath
from collections.abc import Iterator

from mmengine.logging import MMLogger

from mpafer_plugin.utils.image_files import is_image
from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..data_root import DataRoot
from ..layouts import Layout, find_layout
from .copies import read_numbered, read_table
from .labels import parse_label, read_label

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
    {_IMAGES_FOLDER}/
  tables: train_set_annotation_without_lnd.csv or train_set.csv, with number
    and expression; train_set/images/<number>.jpg; val_set likewise
  class folders: train_set/0/ to train_set/7/, or train/0/; val likewise"""


def read_part(root: DataRoot, part: str) -> tuple[str, Iterator[Sample]]:
    """Detect the layout under the data root and read one part.

    Of several, the first is read: new release, old release, table, folders.

    Args:
        root (DataRoot): The folder of the dataset.
        part (str): The official part, 'train' or 'val'.

    Returns:
        tuple[str, Iterator[Sample]]: Annotation file or folder, relative to
        the data root, and its images. Labels are names of
        :data:`LABEL_NAMES`, including those that are not expressions.

    Raises:
        FileNotFoundError: If no layout, or no folder of images, is found.
        ValueError: If an annotation is invalid, or two images have one id.
    """
    folder, listed = _NEW_FOLDERS[part], _OLD_LISTS[part]
    needs = f'{folder}/annotations', f'{folder}/images'
    layouts = [
        Layout('new release', needs),
        Layout('old release', (listed,)),
        Layout('old release', (f'{_LISTS_FOLDER}/{listed}',)),
        *(
            Layout('table', (f'{folder}{ending}.csv', f'{folder}/images'))
            for ending in ('_annotation_without_lnd', '')
        ),
        *(
            Layout('class folders', (f'{top}/0', top))
            for top in (folder, part)
        ),
        *(
            Layout('class folders', (f'{top}/{name}', top))
            for top in (folder, part)
            for name in ('neutral', 'Neutral')
        ),
    ]
    what = f'AffectNet (official {part} part)'
    layout = find_layout(root, layouts, what, _LAYOUTS)
    source = layout.needs[0]
    if layout.title == 'new release':
        return source, _read_new_release(root, *layout.needs)
    if layout.title == 'table':
        return source, read_table(root, *layout.needs)
    if layout.title == 'class folders':
        return layout.needs[1], read_numbered(root, layout.needs[1])
    return source, _read_old_release(root, source)


def _read_new_release(
    root: DataRoot, annotations: str, folder: str
) -> Iterator[Sample]:
    """Read ``annotations/<id>_exp.npy``, in the order of ids as text."""
    ids = {
        name.removesuffix(_ENDING)
        for name in root.files(annotations)
        if name.endswith(_ENDING)
    }
    images: dict[str, str] = {}
    for name in filter(is_image, root.files(folder)):
        image_id = posixpath.splitext(name)[0]
        other = images.setdefault(image_id, name)
        if other != name:
            raise ValueError(
                f'{root.join(folder)}: {other!r} and {name!r} are two images '
                f'for the one annotation {image_id}{_ENDING}'
            )
    alone = sorted(images.keys() - ids)
    if alone:
        MMLogger.get_current_instance().warning(
            f'AffectNet: {len(alone)} of {len(images)} images, such as '
            f'{folder}/{images[alone[0]]}, have no annotation <id>{_ENDING} '
            f'in {root.join(annotations)!r}; they are not read'
        )
    for image_id in sorted(ids):
        name = f'{annotations}/{image_id}{_ENDING}'
        ann_file = root.join(name)
        label = read_label(root.read(name), ann_file)
        # check_images then reports a name that does not exist.
        path = f'{folder}/{images.get(image_id, f"{image_id}.jpg")}'
        yield Sample(path, label, ann_file, 0, key=image_id)


def _read_old_release(root: DataRoot, listed: str) -> Iterator[Sample]:
    """Read a CSV file, with or without its header, by its path and label."""
    ann_file = root.join(listed)
    folder = None
    for place, (line, text) in enumerate(root.lines(listed)):
        where = f'{ann_file}:{line}'
        row = _split(text, where)
        if place == 0 and row[0] == HEADER[0]:
            if row != HEADER:
                raise ValueError(
                    f'{where}: the header is {quote(row)}; expected {HEADER}, '
                    'or no header'
                )
            continue
        # The landmarks are too long to quote.
        if len(row) != len(HEADER) or not row[0]:
            raise ValueError(
                f'{where}: cannot read the row of {len(row)} columns that '
                f'starts with {text[:60]!r}; expected the {len(HEADER)} '
                f'columns {",".join(HEADER)}'
            )
        label = parse_label(row[_EXPRESSION], where)
        name = row[0]
        if folder is None:
            folder = _images_folder(root, name, where)
        if './' in name or '//' in name:  # rare, and slow to check
            name = posixpath.normpath(name)
        path = f'{folder}/{name}' if folder else name
        yield Sample(path, label, ann_file, line, key=name)


def _split(line: str, where: str) -> list[str]:
    """Split a row; csv would take twice as long for all 290 MB."""
    if '"' not in line:
        fields = line.split(',')
    else:
        try:
            (fields,) = csv.reader([line], strict=True)
        except csv.Error as error:  # such as a quote that is not closed
            raise ValueError(
                f'{where}: cannot read the row that starts with '
                f'{line[:60]!r}: {error}'
            ) from error
    return [field.strip() for field in fields]


def _images_folder(root: DataRoot, listed: str, where: str) -> str:
    """Find the folder of the listed images by the first of them."""
    top = listed.split('/')[0]
    tops = [(posixpath.join(f, top), f) for f in _IMAGES_FOLDERS]
    # In an empty folder, check_images reports which images are absent.
    for name, folder in tops + [(f, f) for f in _IMAGES_FOLDERS[1:]]:
        if root.exists(name):
            return folder
    raise FileNotFoundError(
        f'{where}: no images: {quote(listed)} is listed, but none of '
        f'{[root.join(name) for name, _ in tops]} exists; {root.describe()}; '
        f'{_LAYOUTS}'
    )
