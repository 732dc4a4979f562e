"""Labelled samples, checks that their images exist, and leave-out lists."""

import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mpafer_plugin.faces.face_crop import LEFT_OUT
from mpafer_plugin.utils.quoting import quote

from .data_root import DataRoot


class Sample(NamedTuple):
    """One labelled image, as an annotation file lists it.

    Args:
        path (str): The image, relative to the data root.
        label (str): The expression's canonical name, never a number.
        ann_file (str): The annotation file that lists it.
        line (int): Its line in that file, from 1; 0 for a folder or file
            without lines.
        key (str): Name of the image that does not depend on its crop or
            folder; held-out shares are drawn by it.
        score (Mapping[str, float], optional): Soft target, canonical name
            to share; the shares sum to 1. Defaults to None.
        group (str): Whom or what it shows, such as a person; '' if that is
            not known. Defaults to ''.
    """

    path: str
    label: str
    ann_file: str
    line: int
    key: str
    score: Mapping[str, float] | None = None
    group: str = ''
    box: tuple[float, ...] | None = None
    groups: Mapping[str, str] | None = None

    @property
    def where(self) -> str:
        """``file:line``, for messages; the file alone if it has no lines."""
        return f'{self.ann_file}:{self.line}' if self.line else self.ann_file


def check_images(root: DataRoot, samples: Sequence[Sample]) -> None:
    """Check that all listed images exist under the data root.

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
        first = '\n'.join(
            f'  {s.where}: {quote(s.path)[1:-1]}' for s in absent[:5]
        )
        folders = sorted({posixpath.dirname(s.path) for s in absent})
        found = '\n'.join('  ' + root.describe(f) for f in folders[:3])
        raise FileNotFoundError(
            f'{len(absent)} of {len(samples)} listed images are absent '
            f'under {root.path!r}; the first:\n{first}\n{found}\n'
            'mpafer verify-dataset --missing lists all of them, for leave_out'
        )


def absent_images(root: DataRoot, samples: Sequence[Sample]) -> list[Sample]:
    """List the samples whose image does not exist.

    Each folder is listed once: a query per image takes minutes on network
    disks.

    Raises:
        ValueError: If a path leads out of the data root.
    """
    present: dict[str, set[str]] = {}
    absent = []
    for sample in samples:
        _check_path(root, sample)
        folder, name = posixpath.split(sample.path)
        if folder not in present:
            listed = root.is_folder(folder)
            present[folder] = set(root.files(folder)) if listed else set()
        if name not in present[folder]:
            absent.append(sample)
    return absent


def read_leave_out(
    path: str, root: DataRoot, crops: DataRoot | None = None
) -> set[str]:
    """Read the images of a dataset to leave out.

    Args:
        path (str): A text file with a path per line, relative to the
            dataset's folder; lines that start with ``#`` are ignored, and the
            images need not exist. If the file is beside a crop config in the
            parent folder, paths are relative to that folder, and other
            datasets' are ignored.
        root (DataRoot): The dataset's folder.
        crops (DataRoot, optional): The folder of the crop config. Defaults
            to None.

    Returns:
        set[str]: The normalized paths.

    Raises:
        FileNotFoundError: If the file is absent.
        ValueError: If a path leads out of the folder.
    """
    folder, name = os.path.split(os.path.expanduser(path))
    own = DataRoot(folder or '.')
    if not own.is_file(name):
        raise FileNotFoundError(f'leave_out: no file {quote(path)}')
    listed = [
        Sample(line, '', path, number, line)
        for number, line in own.lines(name, errors='surrogateescape')
        if not line.startswith('#')
    ]
    for sample in listed:
        _check_path(root, sample)
    paths = {posixpath.normpath(sample.path) for sample in listed}
    if crops is not None and crops is not root:
        theirs = os.path.realpath(crops.join(LEFT_OUT))
        if os.path.realpath(own.join(name)) == theirs:
            top = os.path.basename(os.path.abspath(root.path)) + '/'
            paths = {p.removeprefix(top) for p in paths if p.startswith(top)}
    return paths


def _check_path(root: DataRoot, sample: Sample) -> None:
    """Check that a path does not lead out of the data root."""
    if sample.path.startswith('/') or '..' in sample.path.split('/'):
        raise ValueError(
            f'{sample.where}: the path {quote(sample.path)} leads out of the '
            f'data root {root.path!r}, or could: make it relative to that '
            'folder, '
            "without '..'"
        )
