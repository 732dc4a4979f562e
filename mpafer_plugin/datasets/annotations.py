"""What every reader needs to turn files of labels into checked samples."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One labelled picture, as an annotation file lists it.

    Args:
        path (str): The picture, relative to the data root.
        label (str): The expression's canonical name, never a number.
        ann_file (str): The annotation file that lists it.
        line (int): Its line there, from 1.
        key (str): What the picture is called whatever its crop or folder:
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
        """``file:line``, for messages."""
        return f'{self.ann_file}:{self.line}'


def read_lines(path: str) -> Iterator[tuple[int, str]]:
    """Read a text file of any line ending, with or without a BOM.

    Args:
        path (str): The file, in UTF-8.

    Yields:
        tuple[int, str]: Number from 1 and stripped text of every line that
        is not blank.

    Raises:
        ValueError: If the file is not UTF-8.
    """
    with open(path, encoding='utf-8-sig') as file:
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f'{path}: not UTF-8 text: {error}') from error


def read_rows(path: str) -> Iterator[tuple[int, list[str]]]:
    """Read a CSV file of any line ending, with or without a BOM.

    Args:
        path (str): The file, in UTF-8, separated by commas.

    Yields:
        tuple[int, list[str]]: Line number from 1 and stripped fields of
        every row that is not blank.

    Raises:
        ValueError: If the file is not UTF-8 or no CSV.
    """
    with open(path, encoding='utf-8-sig', newline='') as file:
        rows = csv.reader(file)
        try:
            for row in rows:
                if row:
                    yield rows.line_num, [field.strip() for field in row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f'{path}:{rows.line_num + 1}: not CSV in UTF-8: {error}'
            ) from error


def describe_folder(folder: str) -> str:
    """Say what a folder holds, for messages about something missing."""
    if not os.path.isdir(folder):
        return f'{folder!r} is no folder (working directory: {os.getcwd()!r})'
    names = sorted(os.listdir(folder))
    return f'{folder!r} holds {names[:10]}, {len(names)} entries in all'


def check_pictures(data_root: str, samples: Sequence[Sample]) -> None:
    """Make sure that all listed pictures lie under the data root.

    Each folder is listed once: asking for each picture by itself takes
    minutes on network disks.

    Args:
        data_root (str): The folder that paths are relative to.
        samples (Sequence[Sample]): All samples.

    Raises:
        ValueError: If a path leads out of the data root.
        FileNotFoundError: If pictures are absent: how many, and the first
            five with the line that lists them.
    """
    present: dict[str, set[str]] = {}
    absent = []
    for sample in samples:
        # Taking a path apart is slow, and nearly none has dots to look for.
        up = '..' in sample.path and '..' in Path(sample.path).parts
        if up or os.path.isabs(sample.path):
            raise ValueError(
                f'{sample.where}: the path {sample.path!r} leads out of the '
                f'data root {data_root!r}'
            )
        folder, name = os.path.split(os.path.join(data_root, sample.path))
        if folder not in present:
            listed = os.path.isdir(folder)
            present[folder] = set(os.listdir(folder)) if listed else set()
        if name not in present[folder]:
            absent.append(sample)
    if absent:
        first = '\n'.join(f'  {s.where}: {s.path}' for s in absent[:5])
        folders = sorted({os.path.dirname(s.path) for s in absent})
        found = '\n'.join(
            '  ' + describe_folder(os.path.join(data_root, folder))
            for folder in folders[:3]
        )
        raise FileNotFoundError(
            f'{len(absent)} of {len(samples)} listed pictures are absent '
            f'under {data_root!r}; the first:\n{first}\n{found}'
        )
