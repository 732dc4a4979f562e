import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

_IMAGE = 1.3  # inches
_GAP = 0.35  # inches between cards
_TITLE = 0.3  # inches above the images of a card
_LINE = 0.14  # inches, height of a line of small text
_LETTER = 0.062  # inches, width of a letter of small text


@dataclass(frozen=True)
class Card:
    """Image with its transformed versions and captions.

    Args:
        label (str): Title, such as the class name.
        name (str): Caption, such as the file name; lines are wrapped.
        images (Sequence[np.ndarray]): RGB (H, W, 3) or grey (H, W), uint8;
            the original first.
    """

    label: str
    name: str
    images: Sequence[np.ndarray]


def draw_contact_sheet(
    cards: Sequence[Card], path: str, heads: Sequence[str], columns: int = 3
) -> None:
    """Draw cards in a grid, to inspect labels and transforms.

    Args:
        cards (Sequence[Card]): At least one; drawn row by row.
        path (str): File to write; its suffix sets the format.
        heads (Sequence[str]): Heading of each image of a card.
        columns (int): Cards in a row. Defaults to 3.
    """
    columns = min(columns, len(cards))
    letters = int(_IMAGE * len(heads) / _LETTER)
    wrap = textwrap.TextWrapper(letters, break_on_hyphens=False).wrap
    names = [
        [part for line in card.name.splitlines() for part in wrap(line)]
        for card in cards
    ]
    below = _LINE * (1 + max(map(len, names)))
    card_width = _IMAGE * len(heads) + _GAP
    card_height = _TITLE + _LINE + _IMAGE + below
    width = card_width * columns + _GAP
    height = card_height * -(-len(cards) // columns) + _GAP
    figure = Figure((width, height))

    for i, (card, lines) in enumerate(zip(cards, names, strict=True)):
        row, column = divmod(i, columns)
        left = _GAP + column * card_width
        top = height - _GAP / 2 - row * card_height

        def write(x: float, y: float, text: str, **kwargs: Any) -> None:
            # no mathtext: names may contain $
            figure.text(
                x / width,
                y / height,
                text,
                va='top',
                parse_math=False,
                **kwargs,
            )

        write(left, top, card.label, size=11, weight='bold')
        for k, (head, image) in enumerate(
            zip(heads, card.images, strict=True)
        ):
            x, y = left + k * _IMAGE, top - _TITLE
            write(x, y, head, size=7, color='0.4')
            axes = figure.add_axes(
                (
                    x / width,
                    (y - _LINE - _IMAGE) / height,
                    (_IMAGE - 0.05) / width,
                    _IMAGE / height,
                )
            )
            axes.imshow(image, cmap='gray', vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_anchor('NW')
        text = '\n'.join(lines)
        y = top - _TITLE - _LINE - _IMAGE
        write(left, y, text, size=7, linespacing=1.2)
    figure.savefig(path, dpi=150)
