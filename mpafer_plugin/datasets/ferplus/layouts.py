"""FER+'s images out of FER2013's own table, as FER+'s tool writes them."""

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
    """Write the folders of images that are not there yet, once.

    Row i of ``fer2013.csv`` is the image of row i of the votes. A folder
    that holds an image is left as it is; one without any, as FER+'s own
    repository has them beside ``label.csv``, keeps its other files. Each is
    written in a draft and renamed into place: whoever sees images sees all.
    Nothing happens where either file is absent.

    Args:
        root (DataRoot): The folder of the dataset.
        votes (str): The newer votes there.
        folders (Mapping[str, str]): Usage to folder of images.

    Raises:
        ValueError: If a row is wrong, the files do not fit each other, or
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
            f'and a {type(root.backend).__name__} cannot write them out of '
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
            return  # another program was faster
        raise OSError(
            f'the images of {root.join(PIXELS)!r} cannot be written into '
            f'{root.path!r}: {error}; make room there (150 MB) and the '
            'folder writable, or copy both CSV files to such a folder and '
            'give it as data_root'
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
    """Write the wanted images, and count them by folder."""
    written: dict[str, set[str]] = {}
    for usage, name, pixels in _pair_rows(root, votes):
        if usage in wanted and name:
            folder = wanted[usage]
            if folder not in written:
                (draft / folder).mkdir(parents=True)
                written[folder] = set()
            # not cv2.imwrite, which tells no reason and on Windows takes
            # no names but ASCII
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
    """Read both files side by side: usage, name or '', and pixels."""
    ours, theirs = root.join(votes), root.join(PIXELS)
    pairs = zip_longest(new_rows(root, votes), _pixel_rows(root))
    for index, (vote_row, pixel_row) in enumerate(pairs):
        if vote_row is None or pixel_row is None:
            short, long = ours, theirs
            if pixel_row is None:
                short, long = theirs, ours
            raise ValueError(
                f'{short} ends after {index} rows, but {long} goes on; row i '
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
                f'{ours}:{line}: {name!r} is no plain name of a .png file '
                'that an image could be written to'
            )
        yield usage, name, _parse_pixels(row[1], f'{theirs}:{number}')


def _pixel_rows(root: DataRoot) -> Iterator[tuple[int, list[str]]]:
    """Read ``fer2013.csv``: line and three fields of every row."""
    path, rows = root.join(PIXELS), root.rows(PIXELS)
    number, header = next(rows, (1, []))
    if header != HEADER:
        # a first row of pixels is too long to quote
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
            'expected whole numbers of 0 to 255'
        ) from error
    if len(values) != SIZE * SIZE:
        raise ValueError(
            f'{where}: {len(values)} pixels; expected {SIZE} x {SIZE} = '
            f'{SIZE * SIZE}'
        )
    return np.frombuffer(values, np.uint8).reshape(SIZE, SIZE)
