import unicodedata

from mpafer_plugin.datasets.categories import canonical_name


def tidy_name(name: str) -> str:
    """Write a name in the one form of all that look the same.

    Args:
        name (str): A name.

    Returns:
        str: In Unicode's composed form (NFC), with single inner spaces and
        no outer ones.
    """
    return ' '.join(unicodedata.normalize('NFC', name).split())


def class_key(name: str) -> str:
    """Find the canonical name of a class, however it is written.

    Args:
        name (str): A name.

    Returns:
        str: Equal for names of the same class.
    """
    return canonical_name(tidy_name(name))
