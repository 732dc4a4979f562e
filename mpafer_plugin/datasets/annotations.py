"""What every reader makes of files of labels: checked samples."""

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from .data_root import DataRoot


class Sample(NamedTuple):
    """One labelled image, as an annotation file lists it.

    Args:
        path (str): The image, relative to the data root.
        label (str): The expression's canonical name, never a number.
        ann_file (str): The annotation file that lists it.
        line (int): Its line there, from 1; 0 where there are no lines, as for
            a folder.
        key (str): What the image is called whatever its crop or folder:
            a held-out share is drawn by it.
        score (Mapping[str, float], optional): Soft target, canonical name
            to share; the shares sum to 1. Defaults to None.
    """

    path: str
    label: str
    ann_file: str
    line: int
    key: str
    score: Mapping[str, float] | None = None

    @property
    def where(self) -> str:
        """``file:line``, for messages; the file alone if it has no lines."""
        return f'{self.ann_file}:{self.line}' if self.line else self.ann_file


def check_images(root: DataRoot, samples: Sequence[Sample]) -> None:
    """Make sure that all listed images lie under the data root.

    Args:
        root (DataRoot): The folder that paths are relative to.
        samples (Sequence[Sample]): All samples.

    Raises:
        ValueError: If a path leads out of the data root.
        FileNotFoundError: If images are absent: how many, and the first
            five with the line that lists them.
    """
    absent = absent_images(root, samples)
    if absent:
        first = '\n'.join(f'  {s.where}: {s.path}' for s in absent[:5])
        folders = sorted({posixpath.dirname(s.path) for s in absent})
        found = '\n'.join('  ' + root.describe(f) for f in folders[:3])
        raise FileNotFoundError(
            f'{len(absent)} of {len(samples)} listed images are absent '
            f'under {root.path!r}; the first:\n{first}\n{found}'
        )


def absent_images(root: DataRoot, samples: Sequence[Sample]) -> list[Sample]:
    """List the samples whose image is not there.

    Each folder is listed once: asking for each image by itself takes
    minutes on network disks.

    Raises:
        ValueError: If a path leads out of the data root.
    """
    present: dict[str, set[str]] = {}
    absent = []
    for sample in samples:
        # Taking a path apart is slow, and nearly none has dots to look for.
        up = '..' in sample.path and '..' in PurePath(sample.path).parts
        if up or sample.path.startswith('/'):
            raise ValueError(
                f'{sample.where}: the path {sample.path!r} leads out of the '
                f'data root {root.path!r}, or could: write it relative to '
                "that folder, without '..'"
            )
        folder, name = posixpath.split(sample.path)
        if folder not in present:
            listed = root.is_folder(folder)
            present[folder] = set(root.entries(folder)) if listed else set()
        if name not in present[folder]:
            absent.append(sample)
    return absent
