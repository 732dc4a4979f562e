"""Plots of a report, as SVG whose colours follow the page."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

COLOURS = (
    ('#0072b2', '#56b4e9'), ('#d55e00', '#ff8a3d'), ('#009e73', '#3fc9a0'),
    ('#b0558a', '#e79bc9'), ('#8a6d00', '#f0c040'), ('#5e3fbe', '#b39dff'),
    ('#6b6b6b', '#b5b5b5'), ('#00838f', '#4dd0e1'),
)  # fmt: skip
"""Colours on light and on dark pages, that colour-blind readers tell apart
(after Okabe and Ito, 2008); markers differ too."""

MARKERS = 'os^v<>pPXhd'

MOST_NAMED = 20
"""Classes up to which a legend names them."""

_INK = '#010203'  # stands for the page's colour of text
_STYLE: Any = {
    'svg.fonttype': 'none',  # text stays text, in fonts of the reader
    'svg.hashsalt': 'mpafer',  # the same figure gives the same file
    'text.parse_math': False,  # class names may contain $
    'font.family': 'sans-serif',
    'font.size': 10,
    'text.color': _INK,
    'axes.labelcolor': _INK,
    'axes.edgecolor': _INK,
    'xtick.color': _INK,
    'ytick.color': _INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'legend.frameon': False,
}


def to_svg(figure: Figure, label: str) -> Markup:
    """Convert a figure to SVG for a page.

    Text and axes have the page's colour of text, and the background is
    transparent.

    Args:
        figure (Figure): Drawn under :func:`style`.
        label (str): What it shows, for readers who do not see it.
    """
    file = io.StringIO()
    with style():
        figure.savefig(
            file,
            format='svg',
            transparent=True,
            bbox_inches='tight',
            metadata=dict.fromkeys(('Creator', 'Date', 'Format', 'Type')),
        )
    svg = file.getvalue()
    svg = svg[svg.index('<svg') :].replace(_INK, 'currentColor')
    for i, (light, _) in enumerate(COLOURS):
        svg = svg.replace(light, f'var(--series-{i})')
    # Names of parts repeat from figure to figure, and nothing refers to them.
    svg = re.sub(r' id="[A-Za-z0-9]+_\d+"', '', svg)
    label = Markup.escape(label)
    head = f'<svg role="img" aria-label="{label}"'
    return Markup(svg.replace('<svg', head, 1))


def style() -> Any:
    """Return the context in which figures are drawn."""
    return rc_context(_STYLE)


def colour(series: int) -> str:
    """Return the colour of a series, which the page replaces by its own."""
    return COLOURS[series % len(COLOURS)][0]


def reliability(
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]] | None,
) -> Markup:
    """Draw accuracy over confidence, in bins of equally many images."""
    with style():
        figure = Figure((4.4, 4))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], ls=':', color=_INK, lw=1, alpha=0.6)
        curves = [('as trained', before)]
        if after is not None:
            curves.append(('with temperature', after))
        for i, (name, bins) in enumerate(curves):
            axes.plot(
                [b['confidence'] for b in bins],
                [b['accuracy'] for b in bins],
                marker=MARKERS[i],
                ms=5,
                color=colour(i),
                label=name,
            )
        axes.set(
            xlabel='mean confidence of a bin',
            ylabel='accuracy of a bin',
            xlim=(0, 1.02),
            ylim=(0, 1.02),
        )
        axes.grid(alpha=0.2)
        axes.legend(loc='upper left')
        return to_svg(figure, 'Reliability diagram')


def risk_curves(curves: Mapping[str, Mapping[str, np.ndarray]]) -> Markup:
    """Draw the risk over the coverage of each model."""
    with style():
        figure = Figure((4.4, 4))
        axes = figure.add_subplot()
        for i, (name, curve) in enumerate(curves.items()):
            # As many points as can be seen.
            every = max(1, len(curve['risk']) // 400)
            axes.plot(
                100 * curve['coverage'][::every],
                100 * curve['risk'][::every],
                color=colour(i),
                label=name,
            )
        axes.axhline(5, ls=':', color=_INK, lw=1, alpha=0.6)
        axes.set(
            xlabel='images answered, percent',
            ylabel='errors among them, percent',
            xlim=(0, 101),
        )
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.2)
        if len(curves) > 1:
            axes.legend(loc='upper left', bbox_to_anchor=(0, -0.14))
        return to_svg(figure, 'Risk against coverage')


def scatter(
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    marks: Mapping[str, np.ndarray],
    label: str,
) -> Markup:
    """Draw features in the plane, with vectors of the classes among them.

    Args:
        points (np.ndarray): (S, 2).
        labels (np.ndarray): Class of each point, (S,).
        classes (Sequence[str]): Names of the C classes.
        marks (Mapping[str, np.ndarray]): Name of further vectors, one of each
            class, to their places (C, 2).
        label (str): What it shows.
    """
    shapes = dict(zip(marks, '*D', strict=False))
    with style():
        figure = Figure((5, 4.6))
        axes = figure.add_subplot()
        # Of very many classes several look alike, and are drawn at once.
        looks = len(classes)
        if looks > MOST_NAMED:
            looks = math.lcm(len(MARKERS), len(COLOURS))
        for look in range(min(looks, len(classes))):
            own = points[labels % looks == look]
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=11,
                marker=MARKERS[look % len(MARKERS)],
                color=colour(look),
                alpha=0.55,
                linewidths=0,
                label=classes[look] if looks == len(classes) else None,
            )
        small = min(1, MOST_NAMED / len(classes))
        for kind, places in marks.items():
            axes.scatter(
                places[:, 0],
                places[:, 1],
                s=small * (150 if shapes[kind] == '*' else 60),
                marker=shapes[kind],
                color=[colour(c) for c in range(len(classes))],
                edgecolors=_INK,
                linewidths=math.sqrt(small),
                zorder=3,
            )
        axes.set(xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set_visible(False)
        if len(classes) <= MOST_NAMED:
            axes.legend(
                loc='upper left', bbox_to_anchor=(1, 1), markerscale=1.6
            )
        return to_svg(figure, label)


def matrix(confusion: np.ndarray) -> Markup:
    """Draw the shares of a confusion matrix (C, C) as an image."""
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    with style():
        figure = Figure((5.6, 5))
        axes = figure.add_subplot()
        image = axes.imshow(100 * share, cmap='cividis', vmin=0, vmax=100)
        axes.set(
            xticks=[],
            yticks=[],
            xlabel='predicted class, in the order of the results',
            ylabel='true class',
        )
        figure.colorbar(image, label='percent', shrink=0.8)
        return to_svg(figure, 'Confusion matrix')


def by_layer(values: Sequence[float], ylabel: str) -> Markup:
    """Draw a value of each layer as bars."""
    with style():
        figure = Figure((4.6, 2.6))
        axes = figure.add_subplot()
        layers = range(1, len(values) + 1)
        axes.bar(layers, values, color=colour(0))
        axes.set(xlabel='layer', ylabel=ylabel, xticks=layers)
        axes.grid(axis='y', alpha=0.2)
        return to_svg(figure, f'{ylabel}, by layer')


def group_bars(groups: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the accuracy of groups with their intervals, a line each."""
    with style():
        figure = Figure((5.5, 0.7 + 0.34 * len(groups)))
        axes = figure.add_subplot()
        for place, group in enumerate(groups):
            found = group['accuracy']
            small = group['too_small']
            axes.plot(
                [found['low'], found['high']],
                [place, place],
                color=colour(6 if small else 0),
                lw=2,
                alpha=0.5,
            )
            axes.plot(
                found['value'],
                place,
                'o',
                color=colour(6 if small else 0),
                fillstyle='none' if small else 'full',
            )
        names = [f'{g["group"]} ({g["images"]})' for g in groups]
        axes.set_yticks(range(len(groups)), names)
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xlabel('accuracy, percent')
        axes.grid(axis='x', alpha=0.2)
        return to_svg(figure, 'Accuracy by group')


def seeds(
    names: Sequence[str], metrics: Mapping[str, Sequence[Sequence[float]]]
) -> Markup:
    """Draw metrics of recipes: a dot per seed, a line at their mean.

    Args:
        names (Sequence[str]): The recipes.
        metrics (Mapping): Name of each metric to the values of each recipe,
            in percent.
    """
    with style():
        figure = Figure((3.4 * len(metrics), 1.2 + 0.32 * len(names)))
        axes = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axis, (metric, rows) in zip(axes, metrics.items(), strict=True):
            for place, values in enumerate(rows):
                axis.plot(
                    values,
                    [place] * len(values),
                    'o',
                    ms=5,
                    alpha=0.6,
                    color=colour(0),
                )
                axis.plot(
                    np.mean(values), place, '|', ms=14, mew=2.5, color=_INK
                )
            axis.set_xlabel(f'{metric}, percent')
            axis.grid(alpha=0.2)
        axes[0].set_yticks(range(len(names)), names)
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        return to_svg(figure, 'Results of each recipe')
