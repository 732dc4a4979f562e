"""Fonts of the system that have the letters of any script."""

from collections.abc import Iterable

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
