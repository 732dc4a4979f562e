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

CSV_COLUMNS = (
    'recipe',
    'accuracy_mean',
    'accuracy_std',
    'uar_mean',
    'uar_std',
    'macro_f1_mean',
    'seeds',
    'learnable',
    'step_seconds',
)


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

    def mean_of(self, key: str) -> float | None:
        """Average a value over the runs; None if any run lacks it."""
        if any(key not in result for result in self.results):
            return None
        return statistics.mean(result[key] for result in self.results)


def mean_std(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation, 0 for a single value."""
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.mean(values), std


def write_csv(rows: list[Row], path: Path) -> None:
    """Write the results of the epochs selected on validation."""
    with (
        atomic_write(path) as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(CSV_COLUMNS)
        for row in rows:
            accuracy = mean_std(row.values('accuracy'))
            uar = mean_std(row.values('uar'))
            f1, _ = mean_std(row.values('macro_f1'))
            seconds = row.mean_of('step_seconds')
            writer.writerow(
                [
                    row.recipe,
                    *(f'{value:.2f}' for value in (*accuracy, *uar, f1)),
                    len(row.results),
                    row.results[0]['learnable'],
                    '' if seconds is None else f'{seconds:.4f}',
                ]
            )


def markdown(title: str, rows: list[Row]) -> str:
    """Format all results, with last epochs, validation and costs."""
    lines = [
        f'### {title}',
        '',
        '| recipe | accuracy | UAR | macro-F1 | last epoch: accuracy '
        '| validation: accuracy | seeds | learnable | s a step '
        '| minutes a run | MiB | chosen |',
        '|' + '---|' * 12,
    ]
    for row in rows:
        cells = [
            _spread(row.values(m)) for m in ('accuracy', 'uar', 'macro_f1')
        ]
        cells.append(_spread(row.values('accuracy', 'last')))
        cells.append(_spread([r['val_accuracy'] for r in row.results]))
        seconds = row.mean_of('step_seconds')
        whole = row.mean_of('train_seconds')
        cells += [
            str(len(row.results)),
            f'{row.results[0]["learnable"]:,}',
            '' if seconds is None else f'{seconds:.3f}',
            '' if whole is None else f'{whole / 60:.1f}',
            f'{row.mean_of("memory_mib"):.0f}',
            ', '.join(
                f'{k.rpartition(".")[2]} {v}' for k, v in row.chosen.items()
            ),
        ]
        lines.append(f'| {row.recipe} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def summary(title: str, rows: list[Row]) -> Table:
    """Build the table for the terminal, with the main columns."""
    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column('recipe', no_wrap=True)
    for column in ('accuracy', 'UAR', 'macro-F1', 'learnable'):
        table.add_column(column, justify='right', no_wrap=True)
    for row in rows:
        table.add_row(
            row.recipe,
            _spread(row.values('accuracy')),
            _spread(row.values('uar')),
            f'{statistics.mean(row.values("macro_f1")):.2f}',
            f'{row.results[0]["learnable"]:,}',
        )
    return table


def _spread(values: Sequence[float]) -> str:
    mean, std = mean_std(values)
    return f'{mean:.2f} ± {std:.2f}' if len(values) > 1 else f'{mean:.2f}'


def draw(title: str, rows: list[Row], path: Path) -> None:
    """Plot accuracy and UAR: a dot per seed, a line at their mean."""
    # Imported here: only needed at the end of a study.
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 2, sharey=True, figsize=(9, 1.2 + 0.32 * len(rows))
    )
    names = [row.recipe for row in rows]
    for axis, metric, name in zip(
        axes, ('accuracy', 'uar'), ('accuracy', 'UAR'), strict=True
    ):
        for place, row in enumerate(rows):
            values = row.values(metric)
            axis.plot(
                values, [place] * len(values), 'o', ms=5, color='#6baed6'
            )
            mean = statistics.mean(values)
            axis.plot(mean, place, '|', ms=14, mew=2.5, color='#08306b')
        axis.set_xlabel(f'{name}, percent')
        axis.grid(axis='x', alpha=0.3)
    axes[0].set_yticks(range(len(rows)), names)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)  # the first row on top
    figure.suptitle(f'{title}: test set, a dot per seed, a line at the mean')
    figure.tight_layout()
    with atomic_write(path) as part:
        figure.savefig(part, dpi=120, format='png')
    plt.close(figure)


def write_all(title: str, rows: list[Row], folder: Path) -> None:
    """Write table.csv, table.md, runs.json and plot.png."""
    write_csv(rows, folder / 'table.csv')
    with atomic_write(folder / 'table.md') as part:
        part.write_text(markdown(title, rows), encoding='utf-8')
    with atomic_write(folder / 'runs.json') as part:
        part.write_text(json.dumps([r._asdict() for r in rows], indent=1))
    draw(title, rows, folder / 'plot.png')
