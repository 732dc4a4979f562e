"""RAF-DB's annotation of people: gender, race and age."""

import os

from mpafer_plugin.utils.quoting import quote

from ..data_root import DataRoot
from .labels import image_key

VALUES = dict(
    gender=('male', 'female', 'unsure'),
    race=('Caucasian', 'African-American', 'Asian'),
    age=('0 to 3', '4 to 19', '20 to 39', '40 to 69', '70 and older'),
)
"""Meaning of the numbers, in the release's order and words."""

_FOLDER = os.path.join('Annotation', 'manual')


def read_people(image: str) -> dict[str, str]:
    """Read what RAF-DB states about the person in an image.

    ``basic/Annotation/manual/train_00001_manu_attri.txt`` has a line for each
    of five landmarks, then the numbers of gender, race and age.

    Args:
        image (str): Path of the image, in ``basic/Image/aligned`` or beside.

    Returns:
        dict[str, str]: Gender, race and age; empty without such a file.

    Raises:
        ValueError: If the file cannot be read; it is named.
    """
    name = os.path.splitext(image_key(os.path.basename(image)))[0]
    base = os.path.dirname(os.path.dirname(os.path.dirname(image)))
    path = os.path.join(base, _FOLDER, f'{name}_manu_attri.txt')
    if not os.path.isfile(path):
        return {}
    folder, listed = os.path.split(path)
    lines = [line for _, line in DataRoot(folder).lines(listed)]
    numbers = lines[5:]
    if len(numbers) != len(VALUES):
        raise ValueError(
            f'{path}: expected five landmarks, then {", ".join(VALUES)}; '
            f'after the fifth line it has {quote(numbers)}'
        )
    found = {}
    for (column, values), number in zip(VALUES.items(), numbers, strict=True):
        if number not in map(str, range(len(values))):
            raise ValueError(
                f'{path}: {column} is {quote(number)}; it is from 0 to '
                f'{len(values) - 1}: {", ".join(values)}'
            )
        found[column] = values[int(number)]
    return found
