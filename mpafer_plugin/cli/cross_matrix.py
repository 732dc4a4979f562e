"""Cells of a matrix of models and datasets: their store and tables."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mpafer_plugin.engine.checkpoints.file import fits
from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.numbers import is_number
from mpafer_plugin.utils.quoting import quote
from mpafer_plugin.visualization.score_matrix import draw_score_matrix

METRICS = {'accuracy': 'accuracy', 'uar': 'UAR', 'macro_f1': 'macro-F1'}


class Cell(NamedTuple):
    """Result of one model on one dataset.

    Args:
        model (str): Name of the model.
        data (str): Name of the dataset's config.
        classes (list[str]): Classes of the model that the data has.
        images (int): Images of these classes.
        left_out (int): Images of other classes.
        scores (dict[str, float]): Percentages; empty without a class.
    """

    model: str
    data: str
    classes: list[str]
    images: int
    left_out: int
    scores: dict[str, float]

    def text(self) -> str:
        """Format accuracy and UAR, a dash without a class."""
        if not self.scores:
            return '-'
        return f'{self.scores["accuracy"]:.2f} / {self.scores["uar"]:.2f}'


def _are_scores(value: object) -> bool:
    return value == {} or (
        isinstance(value, dict)
        and value.keys() == METRICS.keys()
        and all(is_number(x) and 0 <= x <= 100 for x in value.values())
    )


_KINDS = dict(
    model=str,
    data=str,
    classes=[str],
    images=int,
    left_out=int,
    scores=_are_scores,
)


def _check(content: Any, path: Path) -> dict[str, dict]:
    """Return the content of a store, checked."""
    cells = content.values() if isinstance(content, dict) else [content]
    for cell in cells:
        if not fits(cell, _KINDS):
            raise ValueError(
                f'{path}: {quote(cell)} is no result of cross-test; delete '
                'the file to test again'
            )
    return content


class CellStore:
    """Finished cells in a JSON file, so that a command can be resumed.

    Args:
        path (Path): The file, read if it exists.

    Raises:
        ValueError: If the file is not one of this class.
    """

    def __init__(self, path: Path):
        self._path = path
        self._cells: dict[str, dict] = {}
        if path.is_file():
            self._cells = _check(
                parse_json(path.read_bytes(), str(path)), path
            )

    def get(self, key: str, model: str, data: str) -> Cell | None:
        """Return a finished cell under the names of today, or None."""
        if key not in self._cells:
            return None
        found = {name: self._cells[key][name] for name in Cell._fields}
        return Cell(**found)._replace(model=model, data=data)

    def put(self, key: str, cell: Cell) -> None:
        """Add a cell, and write the file."""
        self._cells[key] = cell._asdict()
        with atomic_write(self._path) as part:
            text = json.dumps(self._cells, ensure_ascii=False, indent=1)
            part.write_text(text + '\n', encoding='utf-8')


def markdown(cells: Sequence[Cell]) -> str:
    """Format the matrix, ``accuracy / UAR`` in each cell."""
    columns = list(dict.fromkeys(cell.data for cell in cells))
    lines = [['model', *columns], ['---'] * (1 + len(columns))]
    for model in dict.fromkeys(cell.model for cell in cells):
        row = [cell for cell in cells if cell.model == model]
        lines.append([model, *(cell.text() for cell in row)])
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    notes = ''.join(
        f'- {cell.model} on {cell.data}: {cell.images} images of '
        f'{len(cell.classes)} classes, {cell.left_out} left out\n'
        for cell in cells
    )
    return f'Accuracy / UAR, percent.\n\n{table}\n\n{notes}'


def write(cells: Sequence[Cell], folder: Path) -> None:
    """Write cross_test.csv, cross_test.md and cross_test.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        atomic_write(folder / 'cross_test.csv') as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow([*Cell._fields[:-1], *METRICS])
        for cell in cells:
            scores = [
                f'{cell.scores[name]:.4f}' if cell.scores else ''
                for name in METRICS
            ]
            writer.writerow(
                [*cell[:2], ' '.join(cell.classes), *cell[3:5], *scores]
            )
    with atomic_write(folder / 'cross_test.md') as part:
        part.write_text(markdown(cells), encoding='utf-8')
    rows = list(dict.fromkeys(cell.model for cell in cells))
    columns = list(dict.fromkeys(cell.data for cell in cells))
    matrices = {
        f'{METRICS[name]}, percent': np.array(
            [cell.scores.get(name, np.nan) for cell in cells]
        ).reshape(len(rows), len(columns))
        for name in ('accuracy', 'uar')
    }
    draw_score_matrix(matrices, rows, columns, folder / 'cross_test.png')
