"""Tables and plot of the results of a study."""

import csv
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.fonts import drawn_names
from mpafer_plugin.utils.quoting import quote

from .result import check_result


class Row(NamedTuple):
    """Results of a recipe, one for each seed.

    Args:
        recipe (str): Name of the recipe.
        chosen (dict): Settings selected on validation.
        results (list[dict]): Content of each run's result.json.
    """

    recipe: str
    chosen: dict[str, Any]
    results: list[dict]

    def values(self, metric: str, epoch: str = 'best') -> list[float]:
        """Return a metric of each seed, of the best or the last epoch."""
        return [result[epoch][metric] for result in self.results]

    def mean_of(self, key: str, unit: float, digits: int) -> str:
        """Format the mean of a value over the runs; '' if any lacks it."""
        if any(key not in result for result in self.results):
            return ''
        mean = statistics.mean(result[key] for result in self.results)
        return f'{mean / unit:.{digits}f}'


def read_row(content: Any) -> Row:
    """Return the row that a file has.

    Raises:
        ValueError: If it is none, or a result is not one of a run.
    """
    if not isinstance(content, dict) or {*content} != {*Row._fields}:
        raise ValueError(f'{quote(content)} has not the keys {Row._fields}')
    row = Row(**content)
    kinds = dict(recipe=str, chosen=dict, results=list)
    for (key, kind), value in zip(kinds.items(), row, strict=True):
        if not isinstance(value, kind) or (key != 'chosen' and not value):
            raise ValueError(f'{key}={quote(value)} is no {kind.__name__}')
    for number, result in enumerate(row.results):
        try:
            check_result(result)
        except ValueError as error:
            raise ValueError(
                f'result {number} of {quote(row.recipe)}: {error}'
            ) from error
    return row


def mean_std(values: Sequence[float]) -> tuple[str, str]:
    """Format mean and sample standard deviation, 0 for a single value."""
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return f'{statistics.mean(values):.2f}', f'{std:.2f}'


def _spread(values: Sequence[float]) -> str:
    mean, std = mean_std(values)
    return f'{mean} ± {std}' if len(values) > 1 else mean


def csv_row(row: Row) -> dict[str, Any]:
    """Return a row of table.csv: of the epochs selected on validation."""
    accuracy = mean_std(row.values('accuracy'))
    uar = mean_std(row.values('uar'))
    return dict(
        recipe=row.recipe,
        accuracy_mean=accuracy[0],
        accuracy_std=accuracy[1],
        uar_mean=uar[0],
        uar_std=uar[1],
        macro_f1_mean=mean_std(row.values('macro_f1'))[0],
        seeds=len(row.results),
        learnable=row.results[0]['learnable'],
        step_seconds=row.mean_of('step_seconds', 1, 4),
    )


def markdown_row(row: Row) -> dict[str, str]:
    """Return a row of table.md, with last epochs, validation and costs."""
    chosen = [f'{k.rpartition(".")[2]} {v}' for k, v in row.chosen.items()]
    return {
        'recipe': row.recipe,
        'accuracy': _spread(row.values('accuracy')),
        'UAR': _spread(row.values('uar')),
        'macro-F1': _spread(row.values('macro_f1')),
        'last epoch: accuracy': _spread(row.values('accuracy', 'last')),
        'validation: accuracy': _spread(
            [result['val_accuracy'] for result in row.results]
        ),
        'seeds': str(len(row.results)),
        'learnable': f'{row.results[0]["learnable"]:,}',
        's a step': row.mean_of('step_seconds', 1, 3),
        'minutes a run': row.mean_of('train_seconds', 60, 1),
        'MiB': row.mean_of('memory_mib', 1, 0),
        'chosen': ', '.join(chosen),
    }


def markdown(title: str, rows: Sequence[Row]) -> str:
    """Format all results as a table of Markdown."""
    cells = [markdown_row(row) for row in rows]
    lines = [list(cells[0]), *(list(row.values()) for row in cells)]
    head, *body = [f'| {" | ".join(line)} |' for line in lines]
    rule = '|' + '---|' * len(cells[0])
    return '\n'.join([f'### {title}', '', head, rule, *body]) + '\n'


def summary(title: str, rows: Sequence[Row]) -> Table:
    """Build the table for the terminal, with the main columns."""
    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column('recipe', no_wrap=True)
    for column in ('accuracy', 'UAR', 'macro-F1', 'learnable'):
        table.add_column(column, justify='right', no_wrap=True)
    for row in rows:
        cells = markdown_row(row)
        table.add_row(
            row.recipe,
            cells['accuracy'],
            cells['UAR'],
            mean_std(row.values('macro_f1'))[0],
            cells['learnable'],
        )
    return table


def draw(title: str, rows: Sequence[Row], path: Path) -> None:
    """Plot accuracy and UAR: a dot per seed, a line at their mean."""
    # Imported here: only needed at the end of a study.
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 2, sharey=True, figsize=(9, 1.2 + 0.32 * len(rows))
    )
    names = dict(accuracy='accuracy', uar='UAR')
    for axis, (metric, name) in zip(axes, names.items(), strict=True):
        for place, row in enumerate(rows):
            values = row.values(metric)
            axis.plot(
                values, [place] * len(values), 'o', ms=5, color='#6baed6'
            )
            mean = statistics.mean(values)
            axis.plot(mean, place, '|', ms=14, mew=2.5, color='#08306b')
        axis.set_xlabel(f'{name}, percent')
        axis.grid(axis='x', alpha=0.3)
    recipes, fonts = drawn_names([row.recipe for row in rows])
    axes[0].set_yticks(
        range(len(rows)), recipes, parse_math=False, family=fonts
    )
    axes[0].set_ylim(len(rows) - 0.5, -0.5)  # the first row on top
    figure.suptitle(f'{title}: test set, a dot per seed, a line at the mean')
    figure.tight_layout()
    with atomic_write(path) as part:
        figure.savefig(part, dpi=120, format='png')
    plt.close(figure)


def write_all(title: str, rows: Sequence[Row], folder: Path) -> None:
    """Write table.csv, table.md, runs.json and plot.png."""
    with (
        atomic_write(folder / 'table.csv') as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        lines = [csv_row(row) for row in rows]
        writer = csv.DictWriter(file, list(lines[0]), lineterminator='\n')
        writer.writeheader()
        writer.writerows(lines)
    with atomic_write(folder / 'table.md') as part:
        part.write_text(markdown(title, rows), encoding='utf-8')
    with atomic_write(folder / 'runs.json') as part:
        part.write_text(json.dumps([r._asdict() for r in rows], indent=1))
    draw(title, rows, folder / 'plot.png')
