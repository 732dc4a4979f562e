"""Recognition of the layout in which a copy of a dataset is stored."""

import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from .data_root import DataRoot


class Layout(NamedTuple):
    """One way in which a dataset may be stored.

    Args:
        title (str): Name of the layout.
        needs (tuple[str, ...]): Files and folders that must all exist,
            relative to the data root.
        crop (str): Crop of the faces, as a clause. Defaults to 'as released'.
    """

    title: str
    needs: tuple[str, ...]
    crop: str = 'as released'


def find_layout(
    root: DataRoot, layouts: Iterable[Layout], what: str, remedy: str
) -> Layout:
    """Find the first layout that exists under the data root.

    Args:
        root (DataRoot): The folder of the dataset.
        layouts (Iterable[Layout]): The layouts, in order of precedence.
        what (str): Dataset and part, for the error.
        remedy (str): Last lines of the error, such as a folder tree.

    Returns:
        Layout: The layout found.

    Raises:
        FileNotFoundError: If none is found: which files are present and
            absent, and what the folders hold.
    """
    lines = [f'no layout of {what} is under {root.path!r}; looked for']
    folders = ['']
    for layout in layouts:
        present = [root.exists(name) for name in layout.needs]
        if all(present):
            return layout
        needs = (
            f'{name} ({"present" if there else "absent"})'
            for name, there in zip(layout.needs, present, strict=True)
        )
        lines.append(f'  {layout.title}: {", ".join(needs)}')
        for name in layout.needs:
            top, folder = name.split('/')[0], posixpath.dirname(name)
            folders += [f for f in (top, folder) if root.is_folder(f)]
    lines += map(root.describe, dict.fromkeys(folders))
    raise FileNotFoundError('\n'.join([*lines, remedy]))
