import csv
import errno
import io
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mmengine.logging import MMLogger

from mpafer_plugin.faces.face_crop import CROP_CONFIG, LEFT_OUT, REPORT
from mpafer_plugin.utils.atomic_write import atomic_write

from .face_crop import FaceCrop

PART = '.writing'
"""Name, in the root of the crops, of what is not whole yet: a file's own name
may be as long as names may be."""

_OF_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def stops_all(error: OSError) -> bool:
    """Whether no other file could be written either, as on a full disk.

    Args:
        error (OSError): What came of writing one.
    """
    return error.errno in _OF_ALL


OWN_NAMES = (CROP_CONFIG, REPORT, f'{REPORT}.part', LEFT_OUT, PART)
"""What lies in the root of the crops, besides what the dataset has."""

# Names of files that are not UTF-8 are written as they are.
_ERRORS = 'surrogateescape'


class Row(NamedTuple):
    """What became of an image, or why another file is not copied.

    Args:
        path (str): Relative to the dataset's folder, with slashes.
        result (str): See :class:`Outcome`; or 'not copied'.
        faces (int): How many were found.
        reason (str): Why it is unreadable or not copied, or ''.
    """

    path: str
    result: str
    faces: int
    reason: str


class CropRecord:
    """What lies beside the crops of a dataset: how, and what came of it.

    While crops are made each image is a row of ``crop_report.csv.part``, so
    that another run can go on; ``crop_report.csv``, sorted, says that all are
    done.

    Args:
        folder (Path): The crops' folder; made if it is not there.
        crop (FaceCrop): The crop config, written to ``crop.json``.

    Raises:
        ValueError: If the folder holds crops of another config or something
            else, or another run is at work there.

    Attributes:
        rows (dict[str, Row]): By path.
        absent (list[str]): Paths of rows that are not there, known by
            :meth:`finish`.
    """

    def __init__(self, folder: Path, crop: FaceCrop) -> None:
        self.folder = folder
        self.absent: list[str] = []
        self._leaves_out = crop.no_face == 'leave-out'
        self._report = folder / REPORT
        self._part = folder / f'{REPORT}.part'
        self._crop_config = lock_crop_config(folder, crop)
        if self._report.exists():
            # Unfinished from here on.
            os.replace(self._report, self._part)
        self.rows = {row.path: row for row in self._read()}
        self._write_rows()
        self._file = self._part.open(
            'a', newline='', encoding='utf-8', errors=_ERRORS
        )

    def is_done(self, path: str) -> bool:
        """Whether an image needs no more work; one unreadable does.

        Someone may have mended it.
        """
        row = self.rows.get(path)
        if row is None:
            return False
        left_out = row.result == 'no face' and self._leaves_out
        return left_out or os.path.isfile(self.folder / path)

    def add(self, row: Row, content: bytes | None) -> None:
        """Write a crop and its row, in this order.

        Raises:
            OSError: If nothing can be written to the folder.
        """
        if content is not None:
            try:
                self._write(row.path, content)
            except OSError as error:
                if stops_all(error):
                    raise
                row = Row(row.path, 'unreadable', row.faces, str(error))
        self.rows[row.path] = row
        csv.writer(self._file).writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Stop; another run can go on."""
        self._file.close()
        self._crop_config.close()

    def finish(self, paths: list[str]) -> None:
        """Write the report, and the list of what is not there; stop.

        Args:
            paths (list[str]): What is to have a row.
        """
        self._file.close()
        self.rows = {path: self.rows[path] for path in sorted(paths)}
        self.absent = [
            path
            for path in self.rows
            if not os.path.isfile(self.folder / path)
        ]
        text = [
            '# What has no crop or copy, for leave_out of a dataset',
            *self.absent,
        ]
        self._write(LEFT_OUT, ('\n'.join(text) + '\n').encode(errors=_ERRORS))
        self._write_rows()
        os.replace(self._part, self._report)
        self.close()

    def _read(self) -> list[Row]:
        if not self._part.exists():
            return []
        with self._part.open(
            newline='', encoding='utf-8', errors=_ERRORS
        ) as file:
            # A line that a kill cut off is done anew.
            return [
                Row(row[0], row[1], int(row[2]), row[3])
                for row in list(csv.reader(file))[1:]
                if len(row) == len(Row._fields)
            ]

    def _write_rows(self) -> None:
        text = io.StringIO(newline='')
        writer = csv.writer(text)
        writer.writerow(Row._fields)
        writer.writerows(self.rows.values())
        self._write(self._part.name, text.getvalue().encode(errors=_ERRORS))

    def _write(self, path: str, content: bytes) -> None:
        with atomic_write(self.folder / path, self.folder / PART) as part:
            part.write_bytes(content)


if sys.platform != 'win32':
    import fcntl


def lock_crop_config(folder: Path, crop: FaceCrop) -> BinaryIO:
    """Begin a folder of crops, or go on in it, while no other run does.

    Two runs would write to the same :data:`PART`, and one's crop could get
    the other's name.

    Args:
        folder (Path): The crops' folder; made if it is not there.
        crop (FaceCrop): The crop config, written to ``crop.json``.

    Returns:
        BinaryIO: That file; closed, or when the process ends, another run may
        go on.

    Raises:
        ValueError: If the folder holds crops of another config or something
            else, or another run is at work there.
    """
    names = set(os.listdir(folder)) if folder.is_dir() else set()
    if CROP_CONFIG not in names and names - {PART}:
        raise ValueError(
            f'{folder} is not empty, and has no {CROP_CONFIG}: it holds '
            'something else than crops'
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Never renamed, and so the same file for all runs; network disks lock
    # only what may be written to.
    file = (folder / CROP_CONFIG).open('a+b', buffering=0)
    try:
        _lock(file, folder)
        _agree(file, folder, crop.to_dict())
    except BaseException:
        file.close()
        raise
    return file


def _lock(file: BinaryIO, folder: Path) -> None:
    if sys.platform == 'win32':
        return  # it has none of this kind
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ValueError(
            f'{folder}: another run makes crops there; wait for its end, or '
            'stop it, and the same command goes on'
        ) from error
    except OSError as error:
        MMLogger.get_current_instance().warning(
            f'{folder}: this disk has no locks ({error}): let no other run '
            'make crops there at the same time'
        )


def _agree(file: BinaryIO, folder: Path, own: dict) -> None:
    """Write the crop config to a file that is new; else compare."""
    path = folder / CROP_CONFIG
    file.seek(0)
    content = file.read()
    # Empty is what a kill leaves at the very beginning, too.
    if not content and not set(os.listdir(folder)) - {CROP_CONFIG, PART}:
        file.write((json.dumps(own, indent=2) + '\n').encode())
        return
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ValueError(f'{path}: no JSON: {error}') from error
    if found != own:
        raise ValueError(
            f'{path}: the crops there were made with '
            f'{_differences(found, own)}; make the others in another folder, '
            'or remove this one'
        )


def _differences(found: object, own: dict) -> str:
    if not isinstance(found, dict):
        return repr(found)
    return ', '.join(
        f'{key}={found.get(key)!r}, not {own.get(key)!r}'
        for key in sorted(found.keys() | own.keys())
        if found.get(key) != own.get(key)
    )
