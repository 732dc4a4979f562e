"""Layout of RAF-DB with one folder per class."""

from collections.abc import Iterator, Mapping

from mpafer_plugin.utils.image_files import is_image

from ..annotations import Sample
from ..data_root import DataRoot
from .labels import BASIC_LABELS, image_key, parse_label

HEADER = ['image', 'label']


def read_folders(
    root: DataRoot, folder: str, csv: str | None, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Read one part from class folders, named by number or by name.

    Args:
        root (DataRoot): The folder of the dataset.
        folder (str): The folder of the part in it.
        csv (str, optional): A list of the images in it, which must agree
            with the folders.
        numbers (Mapping[int, str]): Number to expression.

    Yields:
        Sample: One per row of the list or, without a list, per image.

    Raises:
        ValueError: If a folder is not a class, an image is in none, or list
            and folders contradict each other.
    """
    labels = _class_folders(root, folder, numbers)
    images: dict[str, list[str]] = {name: [] for name in labels}
    for name, found in images.items():
        for entry in root.entries(name):
            if is_image(entry):
                found.append(entry)
            elif root.is_folder(f'{name}/{entry}'):
                raise ValueError(
                    f'{root.join(name)}: the folder {entry!r} would not be '
                    'read: put images directly in the class folders'
                )
    if csv is not None:
        yield from _read_csv(root, folder, csv, labels, images, numbers)
        return
    for name, label in labels.items():
        for image in images[name]:
            path = f'{name}/{image}'
            yield Sample(path, label, root.join(path), 0, image_key(path))


def _class_folders(
    root: DataRoot, folder: str, numbers: Mapping[int, str]
) -> dict[str, str]:
    """Find the class folders and the class of each."""
    labels = {}
    for entry in root.entries(folder):
        path = f'{folder}/{entry}'
        if is_image(entry):
            raise ValueError(
                f'{root.join(path)}: the image is in no class folder; '
                f'the classes are {dict(numbers)}'
            )
        if root.is_folder(path):
            if entry.isdigit() and numbers.get(1) != BASIC_LABELS[1]:
                # 1 could be a basic or a compound expression.
                raise ValueError(
                    f'{root.join(path)}: numbered class folders are read as '
                    'basic expressions only; the classes are '
                    f'{list(numbers.values())}'
                )
            labels[path] = parse_label(
                entry, numbers, f'the class folder {root.join(path)}'
            )
    return labels


def _read_csv(
    root: DataRoot,
    folder: str,
    csv: str,
    labels: Mapping[str, str],
    images: Mapping[str, list[str]],
    numbers: Mapping[int, str],
) -> Iterator[Sample]:
    """Read a list of images in class folders."""
    ann_file = root.join(csv)
    places: dict[str, list[str]] = {}
    for name, entries in images.items():
        for entry in entries:
            places.setdefault(entry, []).append(name)
    header = None
    for line, row in root.rows(csv):
        where = f'{ann_file}:{line}'
        if header is None:
            header = row
            if header != HEADER:
                raise ValueError(
                    f'{where}: the header is {header}; expected {HEADER}'
                )
            continue
        if len(row) != len(HEADER) or not row[0]:
            raise ValueError(
                f'{where}: cannot read the row {row}; expected the '
                f'{len(HEADER)} columns {HEADER}'
            )
        image, label = row[0], parse_label(row[1], numbers, where)
        found = places.get(image, [])
        agree = [name for name in found if labels[name] == label]
        if found != agree:
            raise ValueError(
                f'{where}: {image!r} is labelled {row[1]!r} ({label}), but it '
                f'is in {found}'
            )
        # check_images then reports a path that does not exist.
        path = f'{agree[0] if agree else f"{folder}/{row[1]}"}/{image}'
        yield Sample(path, label, ann_file, line, image_key(path))
