"""Layouts of RAF-DB: the official one and those of common copies."""

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mpafer_plugin.utils.image_files import is_image
from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..data_root import DataRoot
from ..layouts import Layout, find_layout
from .cub import LISTS, read_cub
from .labels import BASIC_LABELS, PARTS, image_key, parse_label

_LAYOUTS = """the layouts are, in this order of precedence
  official: basic/EmoLabel/list_patition_label.txt, basic/Image/aligned/,
    or basic/Image/original/ with aligned=False; compound/ likewise
  APViT: basic/EmoLabel/{train,test}.txt, basic/Image/aligned_224/; or
    {train,test}.txt, aligned_224/
  class folders: {train,test}/{1..7}/ or {train,test}/<Name>/, at the root or
    in DATASET/; {train,test}_labels.csv beside or in DATASET/, or none;
    compound expressions by name only
  CUB: images.txt, image_class_labels.txt, train_test_split.txt"""

_HEADER = ['image', 'label']


def read_part(
    root: DataRoot,
    part: str,
    folder: str,
    numbers: Mapping[int, str],
    aligned: bool,
) -> tuple[Layout, list[Sample], int, int]:
    """Detect the layout under the data root and read one part.

    Args:
        root (DataRoot): The folder of the dataset.
        part (str): The official part, 'train' or 'test'.
        folder (str): 'basic' or 'compound'.
        numbers (Mapping[int, str]): Number to expression.
        aligned (bool): Read faces rather than original photos, which only
            the official layout has.

    Returns:
        tuple[Layout, list[Sample], int, int]: The first layout found, all
        images of the part, the number of rows that repeat another one, and
        the number of images that lie in the same folders but are in no list.

    Raises:
        FileNotFoundError: If no layout is found.
        ValueError: If annotations cannot be read, contradict each other, or
            list an image in the part that its name contradicts.
    """
    remedy = _LAYOUTS
    if not aligned:
        remedy = f'aligned=False needs the official layout; {remedy}'
    layout = find_layout(
        root,
        _layouts(root, part, folder, aligned),
        f'RAF-DB ({folder} expressions, {part} part)',
        remedy,
    )
    parts = _read(root, layout, part, numbers)
    unique = _unique(parts)
    repeated = len(parts[part]) - len(unique[part])
    listed = [sample for samples in parts.values() for sample in samples]
    folders = {posixpath.dirname(sample.path) for sample in listed}
    if layout.title == 'class folders':
        folders |= set(_class_folders(root, layout.needs[0], numbers))
    unlisted = _count_unlisted(root, listed, folders)
    return layout, unique[part], repeated, unlisted


def _layouts(
    root: DataRoot, part: str, folder: str, aligned: bool
) -> Iterator[Layout]:
    """List the possible layouts in order of precedence."""
    bases = [f'{folder}/']
    if os.path.basename(os.path.abspath(root.path)) == folder:
        bases.append('')
    label_file = 'EmoLabel/list_patition_label.txt'
    for base in bases:
        if aligned:
            images, crop = 'aligned', 'official aligned faces, 100 x 100'
        else:
            images, crop = 'original', 'original photos, not cropped'
        needs = base + label_file, f'{base}Image/{images}'
        yield Layout('official', needs, crop)
    if not aligned:
        return
    if folder == 'basic':
        crop = 're-aligned, 224 x 224 (aligned_224), not the official crop'
        places = [(f'{base}EmoLabel/', f'{base}Image/') for base in bases]
        for lists, images in (*places, ('', '')):
            needs = f'{lists}{part}.txt', f'{images}aligned_224'
            yield Layout('APViT', needs, crop)
    for base in ('DATASET/', ''):
        yield Layout('class folders', (base + part,), 'as in the copy')
    if folder == 'basic':
        yield Layout('CUB', LISTS, 'as in the copy')


def _read(
    root: DataRoot, layout: Layout, part: str, numbers: Mapping[int, str]
) -> dict[str, list[Sample]]:
    """Read the part, and the other one if it is in the same lists."""
    source, images = layout.needs[0], layout.needs[-1]
    folder = posixpath.dirname(source)
    if layout.title == 'CUB':
        return read_cub(root, numbers)
    if layout.title == 'official':
        samples = list(_read_list(root, source, images, numbers))
        return {p: [s for s in samples if s.key.startswith(p)] for p in PARTS}
    if layout.title == 'APViT':
        lists = {p: posixpath.join(folder, f'{p}.txt') for p in PARTS}
        return {
            p: list(_read_list(root, listed, images, numbers))
            for p, listed in lists.items()
            if root.is_file(listed)
        }
    tables = [
        posixpath.join(name, f'{part}_labels.csv')
        for name in ('', folder)  # beside or in DATASET
    ]
    table = next(filter(root.is_file, tables), None)
    return {part: read_folders(root, source, table, numbers)}


def _read_list(
    root: DataRoot, listed: str, images: str, numbers: Mapping[int, str]
) -> Iterator[Sample]:
    """Read lines ``train_00001.jpg 5``.

    Official aligned faces have ``_aligned`` in their names, but not in the
    list. APViT's lists have it, and its own code removes it; images that kept
    the listed name are found too.
    """
    ann_file, kind = root.join(listed), posixpath.basename(images)
    present = set(root.files(images)) if kind == 'aligned_224' else set()
    for number, line in root.lines(listed):
        where = f'{ann_file}:{number}'
        fields = line.split()
        if len(fields) != 2 or not fields[0].startswith(('train_', 'test_')):
            raise ValueError(
                f'{where}: cannot read the line {quote(line)}; expected '
                "'train_<number>.jpg <label>' or 'test_<number>.jpg <label>'"
            )
        name, label = fields[0], parse_label(fields[1], numbers, where)
        key = image_key(name)
        if kind == 'aligned':
            stem, suffix = posixpath.splitext(name)
            name = f'{stem}_aligned{suffix}'
        elif name not in present:
            name = name.replace('_aligned', '')
        yield Sample(f'{images}/{name}', label, ann_file, number, key)


def read_folders(
    root: DataRoot, folder: str, table: str | None, numbers: Mapping[int, str]
) -> list[Sample]:
    """Read one part from class folders, named by number or by name.

    Args:
        root (DataRoot): The folder of the dataset.
        folder (str): The folder of the part in it.
        table (str, optional): A CSV file of the images in it, which must
            agree with the folders.
        numbers (Mapping[int, str]): Number to expression.

    Returns:
        list[Sample]: One per row of the table or, without a table, per image.

    Raises:
        ValueError: If a folder is not a class, an image is in none, or table
            and folders contradict each other.
    """
    samples = []
    for name, label in _class_folders(root, folder, numbers).items():
        for entry, entry_kind in root.scan(name).items():
            path = f'{name}/{entry}'
            if entry_kind == 'file' and is_image(entry):
                key = image_key(path)
                samples.append(Sample(path, label, root.join(path), 0, key))
            elif entry_kind == 'folder':
                raise ValueError(
                    f'{root.join(name)}: the folder {entry!r} would not be '
                    'read: put images directly in the class folders'
                )
    if table is None:
        return samples
    return list(_read_table(root, folder, table, samples, numbers))


def _class_folders(
    root: DataRoot, folder: str, numbers: Mapping[int, str]
) -> dict[str, str]:
    """Find the class folders and the class of each."""
    labels = {}
    for entry, kind in root.scan(folder).items():
        path = f'{folder}/{entry}'
        if kind == 'file' and is_image(entry):
            raise ValueError(
                f'{root.join(path)}: the image is in no class folder; '
                f'the classes are {dict(numbers)}'
            )
        if kind != 'folder':
            continue
        if entry.isdigit() and numbers.get(1) != BASIC_LABELS[1]:
            # 1 could be a basic or a compound expression.
            raise ValueError(
                f'{root.join(path)}: numbered class folders are read as '
                'basic expressions only; the classes are '
                f'{list(numbers.values())}'
            )
        where = f'the class folder {root.join(path)}'
        labels[path] = parse_label(entry, numbers, where)
    return labels


def _read_table(
    root: DataRoot,
    folder: str,
    table: str,
    samples: Iterable[Sample],
    numbers: Mapping[int, str],
) -> Iterator[Sample]:
    """Read a CSV file of images in class folders."""
    by_name = defaultdict(list)
    for sample in samples:
        by_name[posixpath.basename(sample.path)].append(sample)
    ann_file, rows = root.join(table), root.rows(table)
    line, header = next(rows, (1, _HEADER))
    if header != _HEADER:
        raise ValueError(
            f'{ann_file}:{line}: the header is {quote(header)}, not {_HEADER}'
        )
    for line, row in rows:
        where = f'{ann_file}:{line}'
        if len(row) != 2 or not row[0]:
            raise ValueError(
                f'{where}: cannot read the row {quote(row)}; not {_HEADER}'
            )
        image, label = row[0], parse_label(row[1], numbers, where)
        found = by_name[image]
        if any(sample.label != label for sample in found):
            folders = [posixpath.dirname(sample.path) for sample in found]
            raise ValueError(
                f'{where}: {quote(image)} is labelled {row[1]!r} ({label}), '
                f'but it is in {folders}'
            )
        # check_images then reports a path that does not exist.
        path = found[0].path if found else f'{folder}/{row[1]}/{image}'
        yield Sample(path, label, ann_file, line, image_key(path))


def _unique(parts: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    """Drop rows that repeat another one, and check the names of all images.

    Raises:
        ValueError: If an image is listed with two labels, in two parts or
            places, or in the part that its name contradicts.
    """
    first: dict[str, tuple[str, Sample]] = {}
    unique: dict[str, list[Sample]] = {}
    for part, samples in parts.items():
        unique[part] = []
        for sample in samples:
            known, earlier = first.setdefault(sample.key, (part, sample))
            facts = part, sample.path, sample.label
            if facts != (known, earlier.path, earlier.label):
                raise ValueError(
                    f'{sample.where}: {quote(sample.key)} is listed twice, as '
                    f'{quote(facts)} and as {quote((known, *earlier[:2]))} at '
                    f'{earlier.where}'
                )
            own = sample.key.split('_')[0]
            if own in PARTS and own != part:
                raise ValueError(
                    f'{sample.where}: {quote(sample.path)} is an image of the '
                    f'{own} part by its name, but listed in the {part} part'
                )
            if earlier is sample:
                unique[part].append(sample)
    return unique


def _count_unlisted(
    root: DataRoot, samples: Iterable[Sample], folders: Iterable[str]
) -> int:
    """Count the images of some folders that are in no list."""
    paths = {sample.path for sample in samples}
    return sum(
        is_image(entry) and posixpath.join(folder, entry) not in paths
        for folder in folders
        if '..' not in folder and root.is_folder(folder)
        for entry in root.files(folder)
    )
