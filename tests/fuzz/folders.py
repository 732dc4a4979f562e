"""Folders of a dataset in which one file is mutated."""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from .files import DAMAGED, Write
from .mutators import mutate_bytes, mutate_rows

IMAGE = cv2.imencode('.png', np.full((8, 8, 3), 90, np.uint8))[1].tobytes()
MARK = '.root'
"""Hidden file in the root of a dataset, with arguments to read it."""


@dataclass(frozen=True)
class Folder:
    """Files of a valid dataset.

    Attributes:
        tables: Names of tables to their rows, one of which is mutated.
        images: Names of images.
        delimiter: Separator of the tables.
        arguments: Arguments of the dataset.
        files: Names of other files to what they hold, mutated like tables.
    """

    tables: Mapping[str, list[list[str]]]
    images: Sequence[str] = ()
    delimiter: str = ','
    arguments: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def dataset_folder(*valid: Folder | Callable[[], Folder]) -> Write:
    """Write a dataset's folder, and return the path of the mutated file."""

    def write(rng: Random, root: Path) -> Path:
        folder = rng.choice(valid)
        folder = folder() if callable(folder) else folder
        mutated = rng.choice([*folder.tables, *folder.files])
        damaged = rng.random() < DAMAGED
        for name in folder.images:
            save(root / name, IMAGE)
        for name, rows in folder.tables.items():
            if name == mutated and not damaged:
                rows = mutate_rows(rows, rng)
            text = io.StringIO()
            if folder.delimiter == ' ':
                text.write('\n'.join(map(' '.join, rows)))
            else:
                csv.writer(text, delimiter=folder.delimiter).writerows(rows)
            content = text.getvalue().encode('utf-8', 'surrogatepass')
            if name == mutated and damaged:
                content = mutate_bytes(content, rng)
            save(root / name, content)
        for name, content in folder.files.items():
            if name == mutated:
                content = mutate_bytes(content, rng)
            save(root / name, content)
        save(root / MARK, json.dumps(dict(folder.arguments)).encode())
        return root / mutated

    return write


def save(path: Path, content: bytes) -> None:
    """Write a file in a folder that need not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the mutated file in errors that name the whole dataset."""
    root, _ = root_of(path)
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        if path.name in str(error) or root not in str(error):
            raise
        raise type(error)(f'{error} ({path.name})') from error


def root_of(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the folder of a dataset that a file is in, and arguments."""
    root = next(p for p in path.parents if (p / MARK).is_file())
    return str(root), json.loads((root / MARK).read_text())
