"""RAF-DB's annotation of people: gender, race and age."""

import os

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
    with open(path, encoding='utf-8') as file:
        lines = file.read().split('\n')
    numbers = [line.strip() for line in lines if line.strip()][5:]
    if len(numbers) != len(VALUES):
        raise ValueError(
            f'{path}: expected five landmarks, then {", ".join(VALUES)}; '
            f'after the fifth line it has {numbers}'
        )
    found = {}
    for (column, values), number in zip(VALUES.items(), numbers, strict=True):
        if not number.isdecimal() or int(number) >= len(values):
            raise ValueError(
                f'{path}: {column} is {number!r}; it is from 0 to '
                f'{len(values) - 1}: {", ".join(values)}'
            )
        found[column] = values[int(number)]
    return found
