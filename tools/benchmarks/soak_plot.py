from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure

COLOURS = '#0072b2', '#d55e00'  # after Okabe and Ito, 2008
STYLES = '-', '--', ':'

PANELS = {
    'memory, MB': {
        'rss_mb': 'resident',
        'own_mb': 'allocated',
        'workers_mb': 'allocated by workers',
    },
    'open files': {'files': ''},
    'threads': {'threads': ''},
    'files in the work dir': {'folder_files': ''},
    'size of the work dir, MB': {'folder_mb': ''},
}
"""By the title of a panel: columns, and their names."""


def plot_usage(
    rows: Sequence[Mapping],
    path: Path,
    unit: str,
    marks: Mapping[str, Sequence[int]],
) -> None:
    """Draw what a soak used, step by step, as PNG.

    Columns that are 0 throughout are left out.

    Args:
        rows (Sequence[Mapping]): As they were recorded.
        path (Path): The file.
        unit (str): What a step is.
        marks (Mapping[str, Sequence[int]]): Steps of events, by their name.
    """
    panels = {}
    for title, names in PANELS.items():
        used = [name for name in names if any(row[name] for row in rows)]
        if used:
            panels[title] = used
    figure = Figure((8, 1.5 * len(panels) + 0.8), layout='constrained')
    axes = figure.subplots(len(panels), sharex=True)
    runs = list(dict.fromkeys(row['run'] for row in rows))
    for axis, (title, columns) in zip(axes, panels.items(), strict=True):
        for colour, run in zip(COLOURS, runs, strict=False):
            for style, column in zip(STYLES, columns, strict=False):
                label = f'{run}, {PANELS[title][column]}'
                own = [row for row in rows if row['run'] == run]
                for _, start in groupby(own, lambda row: row['start']):
                    points = _by_step(start, column)
                    axis.plot(
                        list(points),
                        list(points.values()),
                        style,
                        color=colour,
                        label=label,
                        lw=1.2,
                    )
                    label = '_'  # named once
        axis.set_title(title, loc='left', fontsize=10)
        axis.set_ylim(bottom=0)
        axis.spines[['top', 'right']].set_visible(False)
    for (name, steps), marker in zip(marks.items(), 'vx', strict=False):
        axes[0].plot(
            steps,
            [0.05] * len(steps),
            marker,
            color='#444444',
            ms=5,
            transform=axes[0].get_xaxis_transform(),
            label=name,
        )
    axes[-1].set_xlabel(unit)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc='outside upper center',
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    figure.savefig(path, dpi=110)


def _by_step(start: Iterable[Mapping], column: str) -> dict[int, float]:
    """Return the first value at each step that a start has made itself."""
    found: dict[int, float] = {}
    for row in start:
        found.setdefault(row['step'], row[column])
    if len(found) > 1:  # what it began with, as it loaded
        del found[next(iter(found))]
    return found
