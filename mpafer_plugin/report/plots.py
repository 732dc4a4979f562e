"""Plots of a report, as SVG whose colours follow the page."""

import io
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

MARKERS = 'os^Dv<>pP*Xhd'

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
            axes.legend(loc='upper left')
        return to_svg(figure, 'Risk against coverage')
