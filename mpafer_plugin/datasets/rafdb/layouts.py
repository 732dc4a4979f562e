"""Layouts of RAF-DB: the official one and those of common copies."""

import os
import posixpath
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mpafer_plugin.utils.image_files import is_image

from ..annotations import Sample
from ..data_root import DataRoot
from .folders import read_folders
from .labels import PARTS
from .lists import LISTS, read_apvit, read_cub, read_official

_LAYOUTS = """the layouts are, in this order of precedence
  official: basic/EmoLabel/list_patition_label.txt, basic/Image/aligned/,
    or basic/Image/original/ with aligned=False; compound/ likewise
  APViT: basic/EmoLabel/{train,test}.txt, basic/Image/aligned_224/; or
    {train,test}.txt, aligned_224/
  class folders: {train,test}/{1..7}/ or {train,test}/<Name>/, at the root or
    in DATASET/; {train,test}_labels.csv beside or in DATASET/, or none;
    compound expressions by name only
  CUB: images.txt, image_class_labels.txt, train_test_split.txt"""


class Layout(NamedTuple):
    """One way in which a part may be stored under the data root.

    Args:
        title (str): Name of the layout.
        crop (str): Description of the crop of the faces.
        needs (tuple[str, ...]): Files and folders that must all exist.
    """

    title: str
    crop: str
    needs: tuple[str, ...]


class Reading(NamedTuple):
    """Samples of one official part.

    Args:
        layout (Layout): The layout that was found.
        samples (list[Sample]): All images of the part.
        unlisted (int): Number of images in the same folders but in no list.
    """

    layout: Layout
    samples: list[Sample]
    unlisted: int


def read_part(
    root: DataRoot,
    part: str,
    folder: str,
    numbers: Mapping[int, str],
    aligned: bool,
) -> Reading:
    """Detect the layout under the data root and read one part.

    Args:
        root (DataRoot): The folder of the dataset.
        part (str): The official part, 'train' or 'test'.
        folder (str): 'basic' or 'compound'.
        numbers (Mapping[int, str]): Number to expression.
        aligned (bool): Read faces rather than original photos, which only
            the official layout has.

    Returns:
        Reading: The first layout found, and its samples.

    Raises:
        FileNotFoundError: If no layout is found.
        ValueError: If annotations cannot be read, list an image twice, or
            list an image in the part that its name contradicts.
    """
    layouts = _layouts(root, part, folder, aligned)
    for layout in layouts:
        if all(_exists(root, name) for name in layout.needs):
            break
    else:
        raise _none_found(root, part, folder, layouts, aligned)
    parts = _read(root, layout, part, numbers)
    listed = [sample for samples in parts.values() for sample in samples]
    check_names(parts)
    others = []
    if layout.title == 'class folders':
        (source,) = layout.needs
        others = [f'{source}/{entry}' for entry in root.entries(source)]
    return Reading(layout, parts[part], count_unlisted(root, listed, others))


def _exists(root: DataRoot, name: str) -> bool:
    return root.is_file(name) or root.is_folder(name)


def _layouts(
    root: DataRoot, part: str, folder: str, aligned: bool
) -> list[Layout]:
    """List the possible layouts in order of precedence."""
    bases = [f'{folder}/']
    if os.path.basename(os.path.abspath(root.path)) == folder:
        bases.append('')
    kind, crop = (
        ('aligned', 'official aligned faces, 100 x 100')
        if aligned
        else ('original', 'original photos, faces not cut out')
    )
    label_file = 'EmoLabel/list_patition_label.txt'
    layouts = [
        Layout('official', crop, (base + label_file, f'{base}Image/{kind}'))
        for base in bases
    ]
    if not aligned:
        return layouts
    crop = 'aligned anew, 224 x 224 (aligned_224), not the official crop'
    if folder == 'basic':
        layouts += [
            Layout('APViT', crop, needs)
            for needs in (
                *(
                    (f'{base}EmoLabel/{part}.txt', f'{base}Image/aligned_224')
                    for base in bases
                ),
                (f'{part}.txt', 'aligned_224'),
            )
        ]
    crop = 'as in the copy'
    layouts += [
        Layout('class folders', crop, (base + part,))
        for base in ('DATASET/', '')
    ]
    if folder == 'basic':
        layouts.append(Layout('CUB', crop, LISTS))
    return layouts


def _none_found(
    root: DataRoot,
    part: str,
    folder: str,
    layouts: Iterable[Layout],
    aligned: bool,
) -> FileNotFoundError:
    lines = [
        f'no layout of RAF-DB ({folder} expressions, {part} part) is under '
        f'{root.path!r}; looked for'
    ]
    if not aligned:
        lines[0] = f'aligned=False needs the official layout; {lines[0]}'
    for layout in layouts:
        needs = (
            f'{name} ({"present" if _exists(root, name) else "absent"})'
            for name in layout.needs
        )
        lines.append(f'  {layout.title}: {", ".join(needs)}')
    for name in ('', folder, f'{folder}/Image'):
        if not name or root.is_folder(name):
            lines.append(root.describe(name))
    return FileNotFoundError('\n'.join([*lines, _LAYOUTS]))


def _read(
    root: DataRoot, layout: Layout, part: str, numbers: Mapping[int, str]
) -> dict[str, list[Sample]]:
    """Read the part, and the other one if it is in the same lists."""
    source, *others = layout.needs
    if layout.title == 'CUB':
        return read_cub(root, numbers)
    if layout.title == 'official':
        samples = list(read_official(root, source, others[0], numbers))
        return {
            name: [s for s in samples if s.key.startswith(name)]
            for name in PARTS
        }
    if layout.title == 'APViT':
        folder = posixpath.dirname(source)
        lists = {p: posixpath.join(folder, f'{p}.txt') for p in PARTS}
        return {
            name: list(read_apvit(root, listed, others[0], numbers))
            for name, listed in lists.items()
            if root.is_file(listed)
        }
    tables = [
        posixpath.join(name, f'{part}_labels.csv')
        # beside or in DATASET
        for name in ('', posixpath.dirname(source))
    ]
    table = next((name for name in tables if root.is_file(name)), None)
    return {part: list(read_folders(root, source, table, numbers))}


def check_names(parts: Mapping[str, list[Sample]]) -> None:
    """Check that no image is listed twice or in the wrong part.

    Args:
        parts (Mapping[str, list[Sample]]): 'train' or 'test' to samples.

    Raises:
        ValueError: If one is.
    """
    first: dict[str, Sample] = {}
    for part, samples in parts.items():
        for sample in samples:
            earlier = first.setdefault(sample.key, sample)
            if earlier is not sample:
                raise ValueError(
                    f'{sample.where}: {sample.key!r} is listed twice, first '
                    f'at {earlier.where}'
                )
            own = sample.key.split('_')[0]
            if own in PARTS and own != part:
                raise ValueError(
                    f'{sample.where}: {sample.path!r} is an image of the '
                    f'{own} part by its name, but listed in the {part} part'
                )


def count_unlisted(
    root: DataRoot, samples: Iterable[Sample], others: Iterable[str]
) -> int:
    """Count images in the folders of the listed ones that are in no list.

    Args:
        root (DataRoot): The folder of the dataset.
        samples (Iterable[Sample]): All listed images.
        others (Iterable[str]): Further folders of images.

    Returns:
        int: Number of unlisted images.
    """
    paths = {sample.path for sample in samples}
    folders = {*others, *(posixpath.dirname(path) for path in paths)}
    return sum(
        is_image(entry) and posixpath.join(folder, entry) not in paths
        for folder in folders
        if '..' not in folder and root.is_folder(folder)
        for entry in root.entries(folder)
    )
