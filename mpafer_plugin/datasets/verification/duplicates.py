"""Find pictures that are the same, pixel by pixel."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np

Name = TypeVar('Name', bound=Hashable)


def picture_digest(image: np.ndarray) -> str:
    """Condense a decoded picture, so that it can be compared with others.

    Files that differ in compression or in what they say about themselves
    give the same digest if their pixels are the same.

    Args:
        image (np.ndarray): Pixels (H, W) or (H, W, C) of any type.

    Returns:
        str: 32 hexadecimal digits, the same if and only if shape, type and
        all pixels are the same, as far as hashes can tell.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f'{image.shape} {image.dtype.str}'.encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def duplicate_groups(
    digests: Iterable[tuple[Name, str]],
) -> list[list[Name]]:
    """Put the names of pictures with the same digest together.

    Args:
        digests (Iterable[tuple[Name, str]]): Name and digest of each
            picture. Names may be anything that says which picture is meant.

    Returns:
        list[list[Name]]: The groups of two or more, in the order of their
        first picture; in each the order given.
    """
    groups: dict[str, list[Name]] = defaultdict(list)
    for name, digest in digests:
        groups[digest].append(name)
    return [names for names in groups.values() if len(names) > 1]
