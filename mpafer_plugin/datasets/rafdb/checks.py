"""What must hold of RAF-DB's pictures in every layout."""

import posixpath
from collections.abc import Iterable, Mapping

from ..annotations import Sample
from ..data_root import DataRoot
from ..picture_endings import is_picture
from .labels import PARTS


def check_names(parts: Mapping[str, list[Sample]]) -> None:
    """Refuse a picture that is there twice, or in the wrong part.

    Args:
        parts (Mapping[str, list[Sample]]): 'train' or 'test' to samples.

    Raises:
        ValueError: If there is one.
    """
    first: dict[str, Sample] = {}
    for part, samples in parts.items():
        for sample in samples:
            earlier = first.setdefault(sample.key, sample)
            if earlier is not sample:
                raise ValueError(
                    f'{sample.where}: {sample.key!r} is listed twice, first '
                    f'at {earlier.where}'
                )
            own = sample.key.split('_')[0]
            if own in PARTS and own != part:
                raise ValueError(
                    f'{sample.where}: {sample.path!r} is a picture of the '
                    f'{own} part by its name, but listed in the {part} part'
                )


def count_unlisted(
    root: DataRoot, samples: Iterable[Sample], others: Iterable[str]
) -> int:
    """Count pictures that no line names, beside those that one does.

    Args:
        root (DataRoot): The folder of the data set.
        samples (Iterable[Sample]): All that is listed.
        others (Iterable[str]): More folders where pictures may lie.

    Returns:
        int: How many other pictures lie in the same folders.
    """
    paths = {sample.path for sample in samples}
    folders = {*others, *(posixpath.dirname(path) for path in paths)}
    return sum(
        is_picture(entry) and posixpath.join(folder, entry) not in paths
        for folder in folders
        if '..' not in folder and root.is_folder(folder)
        for entry in root.entries(folder)
    )
