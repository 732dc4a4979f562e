import csv
import json
import os
from pathlib import Path
from typing import NamedTuple

from mpafer_plugin.datasets.face_crop import CONTRACT, LEFT_OUT, REPORT

from .face_crop import FaceCrop


class Row(NamedTuple):
    """What became of a picture.

    Args:
        path (str): Relative to the data set's folder, with slashes.
        result (str): See :class:`Outcome`.
        faces (int): How many were found.
        reason (str): Why it is unreadable, or ''.
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
        ValueError: If the folder holds crops of another contract, or
            something else.
    """

    def __init__(self, folder: Path, crop: FaceCrop) -> None:
        self.folder = folder
        self._leaves_out = crop.no_face == 'leave-out'
        self._report = folder / REPORT
        self._part = folder / f'{REPORT}.part'
        self._open_contract(crop)
        if self._report.exists():
            # Unfinished from here on.
            os.replace(self._report, self._part)
        self.rows = {row.path: row for row in self._read()}
        self._write_rows(self._part)
        self._file = self._part.open('a', newline='', encoding='utf-8')

    def is_done(self, path: str) -> bool:
        """Whether a picture needs no more work; one unreadable does.

        Someone may have mended it.
        """
        row = self.rows.get(path)
        if row is None:
            return False
        left_out = row.result == 'no face' and self._leaves_out
        return left_out or (self.folder / path).is_file()

    def add(self, row: Row, content: bytes | None) -> None:
        """Write a crop and its row, in this order."""
        if content is not None:
            write_whole(self.folder / row.path, content)
        self.rows[row.path] = row
        csv.writer(self._file).writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Stop; another run can go on."""
        self._file.close()

    def finish(self, paths: list[str]) -> list[str]:
        """Write the report, and the list of pictures without a crop.

        Args:
            paths (list[str]): The pictures that the data set has.

        Returns:
            list[str]: The pictures without a crop.
        """
        self.close()
        self.rows = {path: self.rows[path] for path in sorted(paths)}
        absent = [p for p in self.rows if not (self.folder / p).is_file()]
        text = [
            '# Pictures that have no crop, for leave_out of a data set',
            *absent,
        ]
        write_whole(self.folder / LEFT_OUT, ('\n'.join(text) + '\n').encode())
        self._write_rows(self._part)
        os.replace(self._part, self._report)
        return absent

    def _open_contract(self, crop: FaceCrop) -> None:
        path, own = self.folder / CONTRACT, crop.to_dict()
        if path.is_file():
            try:
                found = json.loads(path.read_bytes())
            except ValueError as error:
                raise ValueError(f'{path}: no JSON: {error}') from error
            if found != own:
                raise ValueError(
                    f'{path}: the crops there were made with '
                    f'{_differences(found, own)}; make the others in another '
                    'folder, or remove this one'
                )
            return
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise ValueError(
                f'{self.folder} is not empty, and has no {CONTRACT}: it '
                'holds something else than crops'
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(own, indent=2) + '\n').encode())

    def _read(self) -> list[Row]:
        if not self._part.exists():
            return []
        with self._part.open(newline='', encoding='utf-8') as file:
            # A line that a kill cut off is done anew.
            return [
                Row(row[0], row[1], int(row[2]), row[3])
                for row in list(csv.reader(file))[1:]
                if len(row) == len(Row._fields)
            ]

    def _write_rows(self, path: Path) -> None:
        draft = path.with_name(f'{path.name}.writing')
        with draft.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(Row._fields)
            writer.writerows(self.rows.values())
        os.replace(draft, path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is whole or not there at all.

    Args:
        path (Path): The file; its folder is made.
        content (bytes): What it holds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.writing')
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _differences(found: object, own: dict) -> str:
    if not isinstance(found, dict):
        return repr(found)
    return ', '.join(
        f'{key}={found.get(key)!r}, not {own.get(key)!r}'
        for key in sorted(found.keys() | own.keys())
        if found.get(key) != own.get(key)
    )
