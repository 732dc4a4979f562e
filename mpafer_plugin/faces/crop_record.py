import csv
import io
import os
from pathlib import Path
from typing import NamedTuple

from mpafer_plugin.datasets.face_crop import CONTRACT, LEFT_OUT, REPORT
from mpafer_plugin.whole_file import whole_file

from .contract_file import hold_contract
from .face_crop import FaceCrop
from .writing import PART, stops_all

OWN_NAMES = (CONTRACT, REPORT, f'{REPORT}.part', LEFT_OUT, PART)
"""What lies in the root of the crops, besides what the data set has."""

# Names of files that are not UTF-8 are written as they are.
_ERRORS = 'surrogateescape'


class Row(NamedTuple):
    """What became of a picture, or why another file is not copied.

    Args:
        path (str): Relative to the data set's folder, with slashes.
        result (str): See :class:`Outcome`; or 'not copied'.
        faces (int): How many were found.
        reason (str): Why it is unreadable or not copied, or ''.
    """

    path: str
    result: str
    faces: int
    reason: str


class CropRecord:
    """What lies beside the crops of a data set: how, and what came of it.

    While crops are made each picture is a row of ``crop_report.csv.part``, so
    that another run can go on; ``crop_report.csv``, sorted, says that all are
    done.

    Args:
        folder (Path): The crops' folder; made if it is not there.
        crop (FaceCrop): The contract, written to ``crop.json``.

    Raises:
        ValueError: If the folder holds crops of another contract or something
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
        self._contract = hold_contract(folder, crop)
        if self._report.exists():
            # Unfinished from here on.
            os.replace(self._report, self._part)
        self.rows = {row.path: row for row in self._read()}
        self._write_rows()
        self._file = self._part.open(
            'a', newline='', encoding='utf-8', errors=_ERRORS
        )

    def is_done(self, path: str) -> bool:
        """Whether a picture needs no more work; one unreadable does.

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
        self._contract.close()

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
            '# What has no crop or copy, for leave_out of a data set',
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
        with whole_file(self.folder / path, self.folder / PART) as part:
            part.write_bytes(content)
