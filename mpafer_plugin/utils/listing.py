from collections.abc import Iterable


def listed(items: Iterable[object], most: int = 10) -> str:
    """Join items for a message, of a long list the first and the count.

    Args:
        items (Iterable[object]): The items.
        most (int): Number of items that are shown. Defaults to 10.

    Returns:
        str: Such as ``'a, b and 7 more'``.
    """
    texts = [_shown(str(item)) for item in items]
    rest = len(texts) - most
    # One more takes no more room than its count.
    if rest < 2:
        return ', '.join(texts)
    return f'{", ".join(texts[:most])} and {rest} more'


def _shown(text: str) -> str:
    """Shorten a text of a file, and escape what no terminal prints."""
    if len(text) > 200:
        text = f'{text[:100]}...{text[-97:]}'
    return text.encode(errors='backslashreplace').decode()
