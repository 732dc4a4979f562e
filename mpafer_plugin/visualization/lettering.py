from collections.abc import Sequence
from functools import cache
from itertools import groupby
from unicodedata import bidirectional

from matplotlib.font_manager import (
    FontProperties,
    findfont,
    fontManager,
    get_font,
)
from PIL import ImageDraw, ImageFont

from mpafer_plugin.utils.fonts import drawn_names

SIZE = 13  # pixels

_MARK = '\u200e'  # left-to-right mark


class Lettering:
    """Text of drawings by Pillow, in fonts that have its letters.

    Args:
        names (Sequence[str]): Class names, in any script. One that no font
            has the letters of is written as its number, see
            :func:`drawn_names`.
    """

    def __init__(self, names: Sequence[str]):
        shown, families = drawn_names(names)
        self._shown = dict(zip(names, shown, strict=True))
        self._fonts = {
            bold: [_load(family, bold) for family in families]
            for bold in (False, True)
        }

    def name(self, name: str) -> str:
        """Return a class name as it is written between numbers."""
        shown = self._shown.get(name, name)
        # Of a script that is written from right to left: marks keep the
        # numbers around it in their places.
        if any(bidirectional(letter) in ('R', 'AL') for letter in shown):
            shown = f'{_MARK}{shown}{_MARK}'
        return shown

    def write(
        self,
        draw: ImageDraw.ImageDraw,
        place: tuple[float, float],
        text: str,
        colour: tuple[int, ...] | str,
        bold: bool = False,
    ) -> None:
        """Write a text, whose upper left corner is given."""
        x, y = place
        y += self._fonts[bold][0][0].getmetrics()[0]
        for part, font in self._parts(text, bold):
            draw.text((x, y), part, colour, font, anchor='ls')
            x += font.getlength(part)

    def length(self, text: str, bold: bool = False) -> float:
        """Return the width of a text in pixels."""
        return sum(f.getlength(part) for part, f in self._parts(text, bold))

    def fit(self, text: str, width: float, bold: bool = False) -> str:
        """Shorten a text to a width in pixels."""
        shown = text
        while self.length(shown, bold) > width and len(text) > 1:
            text = text[:-1]
            shown = f'{text}…'
        return shown

    def _parts(
        self, text: str, bold: bool
    ) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """Split a text into parts of one font each."""
        fonts = self._fonts[bold]
        chosen: list[int] = []
        for letter in text:
            has = (i for i, f in enumerate(fonts) if ord(letter) in f[1])
            # Spaces do not part the words of one script.
            before = chosen[-1] if letter.isspace() and chosen else 0
            chosen.append(before if letter.isspace() else next(has, 0))
        letters = zip(text, chosen, strict=True)
        return [
            (''.join(letter for letter, _ in group), fonts[i][0])
            for i, group in groupby(letters, key=lambda pair: pair[1])
        ]


@cache
def lettering(names: tuple[str, ...]) -> Lettering:
    """Return the lettering of a model's classes."""
    return Lettering(names)


def _load(
    family: str, bold: bool
) -> tuple[ImageFont.FreeTypeFont, frozenset[int]]:
    """Load a font, and the letters that it has."""
    weights = {e.weight for e in fontManager.ttflist if e.name == family}
    weight = 'bold' if bold and weights & {'bold', 700} else 'normal'
    path = findfont(FontProperties(family=family, weight=weight))
    index = getattr(path, 'face_index', 0)  # of a collection
    font = ImageFont.truetype(path, SIZE, index=index)
    return font, frozenset(get_font(path).get_charmap())
