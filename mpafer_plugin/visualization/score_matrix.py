from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.fonts import drawn_names


def draw_score_matrix(
    scores: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    path: Path,
) -> None:
    """Draw scores of models on datasets, one matrix beside the other.

    Args:
        scores (Mapping[str, np.ndarray]): Title to percentages (R, C); NaN
            for what was not measured.
        rows (Sequence[str]): Names of the R models.
        columns (Sequence[str]): Names of the C datasets.
        path (Path): PNG file to write.
    """
    (rows, fonts), (columns, others) = drawn_names(rows), drawn_names(columns)
    letters = max(map(len, rows))
    width = 0.085 * letters + len(scores) * (0.6 + 1.15 * len(columns))
    height = 0.9 + 0.55 * len(rows) + 0.055 * max(map(len, columns))
    figure = Figure((max(width, 4), height), layout='constrained')
    all_axes = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, (title, values) in zip(all_axes, scores.items(), strict=True):
        axes.imshow(values, cmap='Blues', vmin=0, vmax=100, aspect='auto')
        for (row, column), value in np.ndenumerate(values):
            axes.text(
                column,
                row,
                '-' if np.isnan(value) else f'{value:.1f}',
                ha='center',
                va='center',
                color='white' if value > 60 else 'black',
            )
        axes.set_title(title, size=11)
        axes.set_xlabel('tested on')
        axes.set_xticks(
            range(len(columns)),
            columns,
            rotation=20,
            ha='right',
            parse_math=False,
            family=others,
        )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    all_axes[0].set_ylabel('model')
    all_axes[0].set_yticks(
        range(len(rows)), rows, parse_math=False, family=fonts
    )
    with atomic_write(path) as part:
        figure.savefig(part, dpi=150, format='png')
