"""Fonts of the system that have the letters of any script."""

from collections.abc import Iterable, Sequence
from functools import cache

from mmengine.logging import MMLogger

DEFAULT = 'DejaVu Sans'  # comes with matplotlib


def find_fonts(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Find fonts of the system that together have the letters of texts.

    Args:
        texts (Iterable[str]): The texts.

    Returns:
        tuple: Families for matplotlib's ``font.family``, by preference, the
        one that comes with matplotlib first; and letters that none has.
    """
    # Imported here: matplotlib takes a third of this package's import time.
    from matplotlib.font_manager import fontManager, get_font

    missing = {c for text in texts for c in text if not c.isspace()}
    families = [DEFAULT]

    def order(entry) -> tuple:
        plain = entry.style == 'normal' and entry.weight in (400, 'normal')
        return entry.name != DEFAULT, not plain, entry.name, entry.fname

    for entry in sorted(fontManager.ttflist, key=order):
        if not missing:
            break
        if entry.name.startswith('Last Resort'):  # it has boxes
            continue
        try:
            letters = get_font(entry.fname).get_charmap()
        except (OSError, RuntimeError):  # removed since it was listed
            continue
        found = {c for c in missing if ord(c) in letters}
        if found and entry.name not in families:
            families.append(entry.name)
        missing -= found
    return families, missing


def drawn_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names as they can be drawn, and the fonts to draw them in.

    A name with a letter that no font has is drawn as its number; the log says
    which name each number stands for, once.

    Args:
        names (Sequence[str]): The names, such as all classes of a model.

    Returns:
        tuple: Texts, such as ``'#2'`` for the second name, and families, see
        :func:`find_fonts`.
    """
    shown, families = _drawn_names(tuple(names))
    return list(shown), list(families)


@cache
def _drawn_names(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    families, missing = find_fonts(names)
    shown = [
        f'#{number}' if missing & set(name) else name
        for number, name in enumerate(names, 1)
    ]
    legend = [
        f'{text} is {name}'
        for text, name in zip(shown, names, strict=True)
        if text != name
    ]
    if legend:
        MMLogger.get_current_instance().warning(
            'no installed font has all letters of some names, which are drawn '
            f'as numbers: {", ".join(legend)}; a font such as '
            'Noto has them'
        )
    return shown, families
