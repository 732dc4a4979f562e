"""FER+'s images, written from ``fer2013.csv`` as FER+'s tool does."""

import os
import posixpath
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
from mmengine.fileio import LocalBackend
from mmengine.logging import MMLogger

from ..data_root import DataRoot
from .votes import new_rows

PIXELS = 'fer2013.csv'
HEADER = ['emotion', 'pixels', 'Usage']
SIZE = 48  # pixels, of both sides


def write_images(
    root: DataRoot, votes: str, folders: Mapping[str, str]
) -> None:
    """Write the folders of images that do not exist yet.

    Row i of ``fer2013.csv`` is the image of row i of the votes. A folder that
    has an image is left alone; one without images, as in FER+'s repository
    (with ``label.csv``), keeps its other files. Each folder is written to a
    draft and renamed into place, so that it is never seen incomplete. If
    either file is absent, nothing is written.

    Args:
        root (DataRoot): The folder of the dataset.
        votes (str): The file of newer votes in it.
        folders (Mapping[str, str]): Usage to folder of images.

    Raises:
        ValueError: If a row is wrong, the files do not match, or
            the data root is not on a local disk.
        OSError: If the images cannot be written.
    """
    if not (root.is_file(PIXELS) and root.is_file(votes)):
        return
    wanted = {u: f for u, f in folders.items() if not _has_images(root, f)}
    if not wanted:
        return
    if not isinstance(root.backend, LocalBackend):
        raise ValueError(
            f'{list(wanted.values())} under {root.path!r} hold no images, '
            f'and a {type(root.backend).__name__} cannot write them from '
            f'{PIXELS}: read the data from a local disk once, then upload '
            'the folders'
        )
    draft = Path(root.path) / f'.ferplus.writing-{os.getpid()}'
    counts: Counter[str] = Counter()
    try:
        counts = _write_into(draft, root, votes, wanted)
        for folder in counts:
            _put_in_place(draft, Path(root.path), folder)
    except OSError as error:
        if all(_has_images(root, folder) for folder in wanted.values()):
            return  # another process was faster
        raise OSError(
            f'the images of {root.join(PIXELS)!r} cannot be written into '
            f'{root.path!r}: {error}; make the folder writable, with '
            '150 MB free, or copy both CSV files to such a folder and pass it '
            'as data_root'
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if counts:
        MMLogger.get_current_instance().info(
            f'wrote the images of {root.join(PIXELS)!r} into '
            + ', '.join(f'{root.join(f)!r} ({n})' for f, n in counts.items())
        )


def _has_images(root: DataRoot, folder: str) -> bool:
    return root.is_folder(folder) and any(
        name.lower().endswith('.png') for name in root.entries(folder)
    )


def _write_into(
    draft: Path, root: DataRoot, votes: str, wanted: Mapping[str, str]
) -> Counter[str]:
    """Write the images of some usages and count them by folder."""
    written: dict[str, set[str]] = {}
    for usage, name, pixels in _pair_rows(root, votes):
        if usage in wanted and name:
            folder = wanted[usage]
            if folder not in written:
                (draft / folder).mkdir(parents=True)
                written[folder] = set()
            # Not cv2.imwrite, which gives no reason on failure and on
            # Windows accepts ASCII names only.
            (draft / folder / name).write_bytes(
                cv2.imencode('.png', pixels)[1].tobytes()
            )
            written[folder].add(name)
    return Counter({folder: len(names) for folder, names in written.items()})


def _put_in_place(draft: Path, root: Path, folder: str) -> None:
    target = root / folder
    if target.is_dir():  # without images
        shutil.copytree(target, draft / folder, dirs_exist_ok=True)
        target.rename(draft / f'{folder}.before')
    (draft / folder).rename(target)


def _pair_rows(
    root: DataRoot, votes: str
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Read both files in step: usage, name or '', and pixels."""
    ours, theirs = root.join(votes), root.join(PIXELS)
    pairs = zip_longest(new_rows(root, votes), _pixel_rows(root))
    for index, (vote_row, pixel_row) in enumerate(pairs):
        if vote_row is None or pixel_row is None:
            short, long = ours, theirs
            if pixel_row is None:
                short, long = theirs, ours
            raise ValueError(
                f'{short} ends after {index} rows, but {long} has more; row i '
                'of one belongs to row i of the other, so neither may lack '
                'a row'
            )
        (line, (usage, name, *_)), (number, row) = vote_row, pixel_row
        if row[2] != usage:
            raise ValueError(
                f'{ours}:{line}: Usage {usage!r}, but {theirs}:{number}: '
                f'Usage {row[2]!r}; row i of one belongs to row i of the '
                'other'
            )
        if name and (
            posixpath.basename(name) != name
            or '\\' in name
            or not name.lower().endswith('.png')
        ):
            raise ValueError(
                f'{ours}:{line}: {name!r} is not a plain name of a .png '
                'file to write an image to'
            )
        yield usage, name, _parse_pixels(row[1], f'{theirs}:{number}')


def _pixel_rows(root: DataRoot) -> Iterator[tuple[int, list[str]]]:
    """Read line number and three fields of each row of ``fer2013.csv``."""
    path, rows = root.join(PIXELS), root.rows(PIXELS)
    number, header = next(rows, (1, []))
    if header != HEADER:
        # A row of pixels is too long to quote.
        raise ValueError(
            f'{path}:{number}: the header starts with '
            f'{",".join(header)[:60]!r}; expected {HEADER}'
        )
    for number, row in rows:
        if len(row) != len(HEADER):
            raise ValueError(
                f'{path}:{number}: {len(row)} columns, starting with '
                f'{",".join(row)[:60]!r}; expected {HEADER}'
            )
        yield number, row


def _parse_pixels(text: str, where: str) -> np.ndarray:
    """Parse an image, (48, 48) and uint8."""
    try:
        values = bytes(map(int, text.split()))
    except ValueError as error:
        raise ValueError(
            f'{where}: cannot read the pixels {text[:60]!r}: {error}; '
            'expected integers from 0 to 255'
        ) from error
    if len(values) != SIZE * SIZE:
        raise ValueError(
            f'{where}: {len(values)} pixels; expected {SIZE} x {SIZE} = '
            f'{SIZE * SIZE}'
        )
    return np.frombuffer(values, np.uint8).reshape(SIZE, SIZE)
