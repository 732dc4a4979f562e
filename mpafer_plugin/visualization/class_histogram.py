import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from mpafer_plugin.utils.fonts import drawn_names

_LETTER = 0.07  # inches, width of a letter of the note
_MOST = 100  # names along the axis, and classes with numbers at the bars


def draw_class_histogram(
    classes: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    path: str,
    title: str = '',
    note: str = '',
) -> None:
    """Draw the number of images of each class and split as bars.

    Each split has a scale of its own: training splits are far larger. Above
    100 classes the height stays, numbers and some of the names are left out.

    Args:
        classes (Sequence[str]): C class names.
        counts (Mapping[str, Sequence[int]]): C counts of each split.
        path (str): File to write; its suffix sets the format.
        title (str): Title above the bars. Defaults to ''.
        note (str): Text below them, wrapped. Defaults to ''.
    """
    width = 2.0 + 2.6 * len(counts)  # inches
    letters = int(width / _LETTER)
    lines = [
        part
        for line in note.splitlines()
        for part in textwrap.wrap(line, letters)
    ]
    height = (
        0.8 + max(2.0, 0.32 * min(len(classes), _MOST)) + 0.17 * len(lines)
    )
    figure = Figure((width, height), layout='constrained')
    all_axes = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for axes, (split, numbers) in zip(all_axes, counts.items(), strict=True):
        bars = axes.barh(range(len(classes)), numbers, color='tab:blue')
        if len(classes) <= _MOST:
            texts = [f'{n:,}' for n in numbers]
            axes.bar_label(bars, texts, padding=3, size=9)
        axes.set_title(f'{split}: {sum(numbers):,}', size=10)
        axes.margins(x=0.3)  # room for the numbers
        axes.set_xticks([])
        axes.spines[['top', 'right', 'bottom']].set_visible(False)
    step = -(-len(classes) // _MOST)
    names, fonts = drawn_names(classes)
    all_axes[0].set_yticks(
        range(0, len(classes), step),
        names[::step],
        parse_math=False,
        family=fonts,
    )
    all_axes[0].invert_yaxis()
    if title:
        figure.suptitle(title, size=11, parse_math=False)
    if lines:
        figure.supxlabel(
            '\n'.join(lines), size=8, x=0.01, ha='left', parse_math=False
        )
    figure.savefig(path, dpi=150)
