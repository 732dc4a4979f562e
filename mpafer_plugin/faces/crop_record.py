import csv
import errno
import io
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from mmengine.logging import MMLogger

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.quoting import quote

from .face_crop import CROP_CONFIG, LEFT_OUT, REPORT, FaceCrop

PART = '.writing'
"""Temporary file in the target folder. It has a name of its own because a
crop's name may already have the maximum length."""

LOCK = '.lock'
"""Lock file in the target folder while a run is active."""

OWN_NAMES = (CROP_CONFIG, REPORT, f'{REPORT}.part', LEFT_OUT, PART, LOCK)
"""Files that the tool itself writes to the target folder."""

# File names that are not UTF-8 are written unchanged.
_ENCODING_ERRORS = 'surrogateescape'


RESULTS = (
    'one face', 'several faces', 'no face', 'unreadable', 'not copied'
)  # fmt: skip


class Row(NamedTuple):
    """Row of the report: outcome of one image, or of a file not copied.

    Args:
        path (str): Relative to the dataset's folder, with slashes.
        result (str): One of :data:`RESULTS`.
        faces (int): Number of faces found. Defaults to 0.
        reason (str): Why the file is unreadable, cannot be cropped or is not
            copied. Defaults to ''.
    """

    path: str
    result: str
    faces: int = 0
    reason: str = ''


class CropRecord:
    """Target folder of a crop run: crops, crop config, report and lock.

    During a run each image adds a row to ``crop_report.csv.part``, from which
    an interrupted run resumes. A finished run sorts the rows and renames the
    file to ``crop_report.csv``.

    Args:
        folder (Path): The target folder; created if missing.
        crop (FaceCrop): The crop config, written to ``crop.json``.

    Raises:
        ValueError: If the folder holds crops of another crop config or other
            files, or another run is active there.

    Attributes:
        rows (dict[str, Row]): The rows by path.
        absent (list[str]): Paths without a crop or copy, set by
            :meth:`finish`.
    """

    def __init__(self, folder: Path, crop: FaceCrop) -> None:
        self.folder = folder
        self.absent: list[str] = []
        self._leaves_out = crop.no_face == 'leave-out'
        self._report = folder / REPORT
        self._part = folder / f'{REPORT}.part'
        names = set(os.listdir(folder)) if folder.is_dir() else set()
        names -= {PART, LOCK}
        if names and CROP_CONFIG not in names:
            raise ValueError(
                f'{folder} is not empty and has no {CROP_CONFIG}: it holds '
                'something else than crops'
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _acquire_lock(folder)
        try:
            # A kill at the very beginning may have left an empty crop.json.
            self._check_config(crop.to_dict(), names <= {CROP_CONFIG})
            if self._report.exists():
                # The folder counts as unfinished from here on.
                os.replace(self._report, self._part)
            self.rows = {row.path: row for row in self._read_rows()}
            self._write_rows()
            self._file = self._part.open(
                'a', newline='', encoding='utf-8', errors=_ENCODING_ERRORS
            )
        except BaseException:
            self._release_lock()
            raise

    def is_done(self, path: str) -> bool:
        """Return whether an image was processed by an earlier run.

        Unreadable images are tried again: they may have been repaired.
        """
        row = self.rows.get(path)
        if row is None:
            return False
        left_out = row.result == 'no face' and self._leaves_out
        return left_out or os.path.isfile(self.folder / path)

    def add(self, row: Row, content: bytes | None = None) -> None:
        """Write a crop, if there is one, then its row.

        Raises:
            OSError: If nothing can be written to the folder any more.
        """
        if content is not None:
            try:
                self._write(row.path, content)
            except OSError as error:
                if is_fatal(error):
                    raise
                row = row._replace(result='unreadable', reason=str(error))
        self.rows[row.path] = row
        csv.writer(self._file).writerow(row)
        self._file.flush()

    def finish(self, paths: list[str]) -> None:
        """Write the final report and ``leave_out.txt``, then close.

        Args:
            paths (list[str]): Paths to report; other rows are dropped.
        """
        self._file.close()
        self.rows = {path: self.rows[path] for path in sorted(paths)}
        self.absent = [
            path
            for path in self.rows
            if not os.path.isfile(self.folder / path)
        ]
        header = '# Without a crop or copy; for leave_out of a dataset'
        text = '\n'.join([header, *self.absent, ''])
        self._write(LEFT_OUT, text.encode(errors=_ENCODING_ERRORS))
        self._write_rows()
        os.replace(self._part, self._report)
        self.close()

    def close(self) -> None:
        """Release the folder; another run can resume."""
        self._file.close()
        self._release_lock()

    def _release_lock(self) -> None:
        if self._lock.is_locked:
            # Before the release, or it could be another run's. Windows
            # deletes no open file: there it stays, which does no harm.
            with suppress(OSError):
                os.unlink(self._lock.lock_file)
            self._lock.release()

    def _check_config(self, own: dict, is_new: bool) -> None:
        """Compare the crop config with the folder's, or write it there."""
        path = self.folder / CROP_CONFIG
        content = path.read_bytes() if path.exists() else b''
        if is_new and not content:
            text = json.dumps(own, indent=2) + '\n'
            self._write(CROP_CONFIG, text.encode())
            return
        found = parse_json(content, str(path))
        if found == own:
            return
        differences = quote(found)
        if isinstance(found, dict):
            differences = ', '.join(
                f'{quote(key)[1:-1]}={quote(found.get(key))}, not '
                f'{own.get(key)!r}'
                for key in sorted(found.keys() | own.keys())
                if found.get(key) != own.get(key)
            )
        raise ValueError(
            f'{path}: the existing crops were made with {differences}; use '
            'another folder, or remove this one'
        )

    def _read_rows(self) -> list[Row]:
        """Read the report of an interrupted or finished run.

        Raises:
            ValueError: If a row is wrong. One that a kill cut off is not
                read, and its image is cropped again.
        """
        if not self._part.exists():
            return []
        rows = []
        with self._part.open(
            newline='', encoding='utf-8', errors=_ENCODING_ERRORS
        ) as file:
            lines = csv.reader(file)
            try:
                for fields in lines:
                    if lines.line_num > 1 and len(fields) == len(Row._fields):
                        rows.append(_parse_row(fields))
            except (ValueError, csv.Error) as error:
                raise ValueError(
                    f'{self._part}:{lines.line_num}: {error}; delete the file '
                    'to crop all images again'
                ) from error
        return rows

    def _write_rows(self) -> None:
        text = io.StringIO(newline='')
        csv.writer(text).writerows([Row._fields, *self.rows.values()])
        content = text.getvalue().encode(errors=_ENCODING_ERRORS)
        self._write(self._part.name, content)

    def _write(self, path: str, content: bytes) -> None:
        with atomic_write(self.folder / path, self.folder / PART) as part:
            part.write_bytes(content)


def _parse_row(fields: list[str]) -> Row:
    path, result, faces, reason = fields
    if result not in RESULTS or not re.fullmatch('[0-9]{1,9}', faces):
        raise ValueError(
            f'the row {quote(fields)} is not a path, one of {RESULTS}, a '
            'number and a reason'
        )
    return Row(path, result, int(faces), reason)


def is_fatal(error: OSError) -> bool:
    """Return whether no other file can be written either (disk full)."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _acquire_lock(folder: Path) -> FileLock:
    """Lock a target folder, since two runs would share its temporary file."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(
            f'{folder}: another run makes crops there; wait until it ends, or '
            'stop it and repeat the command to resume'
        ) from error
    except (OSError, NotImplementedError) as error:
        MMLogger.get_current_instance().warning(
            f'{folder}: this disk has no locks ({error}): start no second '
            'run there at the same time'
        )
    return lock
