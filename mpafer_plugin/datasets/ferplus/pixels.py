"""FER2013's table of pixels, in the forms in which copies have it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mpafer_plugin.utils.quoting import quote

from ..data_root import DataRoot

TABLES = ('fer2013.csv', 'icml_face_data.csv')
"""The official name, and Kaggle's."""

COLUMNS = ('emotion', 'pixels', 'Usage')
"""Columns, in any order, with spaces around their names at Kaggle."""

USAGES = ('Training', 'PublicTest', 'PrivateTest')
SIZE = 48  # pixels, of both sides


class PixelRow(NamedTuple):
    """One image of the table, not decoded yet.

    Args:
        where (str): ``file:line``, for messages.
        emotion (str): Number of the emotion as written.
        usage (str): One of :data:`USAGES`.
        pixels (str): 48 x 48 integers.
    """

    where: str
    emotion: str
    usage: str
    pixels: str

    def image(self) -> np.ndarray:
        """Parse the pixels.

        Returns:
            np.ndarray: (48, 48), uint8.

        Raises:
            ValueError: If there are more or fewer, or one is no integer from
                0 to 255.
        """
        try:
            values = bytes(map(int, self.pixels.split()))
        except ValueError as error:
            raise ValueError(
                f'{self.where}: cannot read the pixels '
                f'{self.pixels[:60]!r}: {error}; expected integers from 0 to '
                '255'
            ) from error
        if len(values) != SIZE * SIZE:
            raise ValueError(
                f'{self.where}: {len(values)} pixels; expected {SIZE} x '
                f'{SIZE} = {SIZE * SIZE}'
            )
        return np.frombuffer(values, np.uint8).reshape(SIZE, SIZE)


def find_pixels(root: DataRoot) -> str | None:
    """Return the name of the table, None if there is none."""
    return next(filter(root.is_file, TABLES), None)


def pixel_rows(root: DataRoot, name: str) -> Iterator[PixelRow]:
    """Read the table.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): Result of :func:`find_pixels`.

    Yields:
        PixelRow: The image of each row.

    Raises:
        ValueError: If the header or a row is not FER2013's.
    """
    path, rows = root.join(name), root.rows(name)
    number, header = next(rows, (1, []))
    if sorted(header) != sorted(COLUMNS):
        # A row of pixels is too long to quote.
        raise ValueError(
            f'{path}:{number}: the header starts with '
            f'{",".join(header)[:60]!r}; expected {COLUMNS} in any order'
        )
    emotion, pixels, usage = map(header.index, COLUMNS)
    for number, row in rows:
        where = f'{path}:{number}'
        if len(row) != len(COLUMNS):
            raise ValueError(
                f'{where}: {len(row)} columns, starting with '
                f'{",".join(row)[:60]!r}; expected {header}'
            )
        if row[usage] not in USAGES:
            raise ValueError(
                f'{where}: unknown Usage {quote(row[usage])}; expected one '
                f'of {USAGES}'
            )
        yield PixelRow(where, row[emotion], row[usage], row[pixels])
