"""FER+'s files: votes in two formats, and images in FER2013's table."""

import os
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
from mmengine.fileio import LocalBackend
from mmengine.logging import MMLogger

from mpafer_plugin.utils.quoting import quote

from ..data_root import DataRoot
from .labels import VOTE_COLUMNS
from .pixels import USAGES, PixelRow, find_pixels, pixel_rows

VOTES_HEADER = ['Usage', 'Image name', *VOTE_COLUMNS]


def read_votes(
    root: DataRoot, name: str, usage: str | None = None
) -> Iterator[tuple[int, str, list[int]]]:
    """Read the votes of one part.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): ``fer2013new.csv``, the votes of all parts, or the
            headerless ``label.csv`` of one part: name, face box and votes.
        usage (str, optional): The part to read from ``fer2013new.csv``, one
            of :data:`USAGES`. Defaults to None, for ``label.csv``.

    Yields:
        tuple[int, str, list[int]]: Line from 1, name of the image or '', ten
        votes.

    Raises:
        ValueError: If the header or a row is not FER+'s.
    """
    rows = root.rows(name) if usage is None else _new_rows(root, name)
    for number, row in rows:
        if usage in (None, row[0]):
            image = row[0] if usage is None else row[1]
            where = f'{root.join(name)}:{number}'
            yield number, image, _parse_votes(row, where)


def _new_rows(root: DataRoot, name: str) -> Iterator[tuple[int, list[str]]]:
    """Read line, Usage, name and unchecked votes below the header."""
    path, rows = root.join(name), root.rows(name)
    number, header = next(rows, (1, []))
    if header != VOTES_HEADER:
        raise ValueError(
            f'{path}:{number}: the header is {quote(header)}; expected '
            f'{VOTES_HEADER}'
        )
    for number, row in rows:
        if len(row) < 2 or row[0] not in USAGES:
            raise ValueError(
                f'{path}:{number}: unknown Usage {quote(row[0])} in '
                f'{quote(",".join(row))}; expected one of {USAGES}, then a '
                'name and votes'
            )
        yield number, row


def _parse_votes(row: list[str], where: str) -> list[int]:
    """Parse the ten votes after a row's first two fields."""
    votes = row[2:]
    if len(votes) != len(VOTE_COLUMNS) or not all(
        re.fullmatch('[0-9]{1,9}', vote) for vote in votes
    ):
        raise ValueError(
            f'{where}: cannot read the row {quote(",".join(row))}; expected '
            f'two fields and then integer votes for {VOTE_COLUMNS}'
        )
    return [int(vote) for vote in votes]


def write_images(
    root: DataRoot, votes: str, folders: Mapping[str, str]
) -> None:
    """Write the folders of images that do not exist yet, as FER+'s tool does.

    Row i of FER2013's table is the image of row i of the votes. A folder that
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
    table = find_pixels(root)
    if table is None or not root.is_file(votes):
        return
    wanted = {u: f for u, f in folders.items() if not _has_images(root, f)}
    if not wanted:
        return
    if not isinstance(root.backend, LocalBackend):
        raise ValueError(
            f'{list(wanted.values())} under {root.path!r} hold no images, '
            f'and a {type(root.backend).__name__} cannot write them from '
            f'{table}: read the data from a local disk once, then upload '
            'the folders'
        )
    draft = Path(root.path) / f'.ferplus.writing-{os.getpid()}'
    try:
        for name, row in _pair_rows(root, votes, table):
            pixels = row.image()
            if row.usage in wanted and name:
                write_png(draft / wanted[row.usage] / name, pixels)
        for folder in wanted.values():
            if (draft / folder).is_dir():
                _put_in_place(draft, Path(root.path), folder)
    except OSError as error:
        if all(_has_images(root, folder) for folder in wanted.values()):
            return  # another process was faster
        raise OSError(
            f'the images of {root.join(table)!r} cannot be written into '
            f'{root.path!r}: {error}; make the folder writable, with '
            '150 MB free, or copy both CSV files to such a folder and pass it '
            'as data_root'
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    MMLogger.get_current_instance().info(
        f'wrote the images of {root.join(table)!r} into '
        f'{[root.join(folder) for folder in wanted.values()]}'
    )


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write an image into a folder that need not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not cv2.imwrite, which gives no reason on failure and on Windows accepts
    # ASCII names only.
    path.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())


def _has_images(root: DataRoot, folder: str) -> bool:
    return root.is_folder(folder) and any(
        name.lower().endswith('.png') for name in root.files(folder)
    )


def _put_in_place(draft: Path, root: Path, folder: str) -> None:
    target = root / folder
    if target.is_dir():  # without images
        shutil.copytree(target, draft / folder, dirs_exist_ok=True)
        target.rename(draft / f'{folder}.before')
    (draft / folder).rename(target)


def _pair_rows(
    root: DataRoot, votes: str, table: str
) -> Iterator[tuple[str, PixelRow]]:
    """Read both files in step: name or '', and pixels."""
    ours, theirs = root.join(votes), root.join(table)
    pairs = zip_longest(_new_rows(root, votes), pixel_rows(root, table))
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
        line, (usage, name, *_) = vote_row
        if pixel_row.usage != usage:
            raise ValueError(
                f'{ours}:{line}: Usage {usage!r}, but {pixel_row.where}: '
                f'Usage {pixel_row.usage!r}; row i of one belongs to row i of '
                'the other'
            )
        if name and (
            posixpath.basename(name) != name
            or '\\' in name
            or not name.isprintable()
            or len(name) > 250
            or not name.lower().endswith('.png')
        ):
            raise ValueError(
                f'{ours}:{line}: {quote(name)} is not a plain name of a .png '
                'file to write an image to'
            )
        yield name, pixel_row
