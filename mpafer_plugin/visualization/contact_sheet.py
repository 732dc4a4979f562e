import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from mpafer_plugin.utils.fonts import find_fonts

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
    write = partial(
        figure.text,
        va='top',
        parse_math=False,  # names may contain $
        family=find_fonts(f'{c.label} {c.name}' for c in cards)[0],
        transform=figure.dpi_scale_trans,  # places are in inches
    )
    for i, (card, lines) in enumerate(zip(cards, names, strict=True)):
        row, column = divmod(i, columns)
        left = _GAP + column * card_width
        top = height - _GAP / 2 - row * card_height
        bottom = top - _TITLE - _LINE - _IMAGE  # of the images
        write(left, top, card.label, size=11, weight='bold')
        pairs = zip(heads, card.images, strict=True)
        for k, (head, image) in enumerate(pairs):
            x = left + k * _IMAGE
            write(x, top - _TITLE, head, size=7, color='0.4')
            sides = (_IMAGE - 0.05) / width, _IMAGE / height
            axes = figure.add_axes(
                (x / width, bottom / height, *sides), anchor='NW'
            )
            axes.imshow(image, cmap='gray', vmin=0, vmax=255)
            axes.set_axis_off()
        write(left, bottom, '\n'.join(lines), size=7, linespacing=1.2)
    figure.savefig(path, dpi=150)


def spread_over_classes(
    labels: Sequence[int], number: int, seed: int = 0
) -> list[int]:
    """Draw images at random, one of each class in turn.

    Args:
        labels (Sequence[int]): Class of each image.
        number (int): Images to draw; all if there are fewer.
        seed (int): Seed of the draw. Defaults to 0.

    Returns:
        list[int]: Distinct indices: one image of each class, in label order,
        then the next of each class, and so on.
    """
    rng = np.random.default_rng(seed)
    every = np.asarray(labels)
    order = rng.permutation(len(every))
    turns = np.empty(len(every), int)  # images of its class before it
    for label in np.unique(every):
        own = order[every[order] == label]
        turns[own] = np.arange(len(own))
    return np.lexsort((every, turns))[:number].tolist()
