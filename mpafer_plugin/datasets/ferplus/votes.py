"""The two file formats of FER+'s votes."""

from collections.abc import Iterator

from ..data_root import DataRoot
from .labels import VOTE_COLUMNS

HEADER = ['Usage', 'Image name', *VOTE_COLUMNS]
USAGES = ('Training', 'PublicTest', 'PrivateTest')

Row = tuple[int, str, list[int]]
"""Line from 1, name of the image or '', ten votes."""


def read_new_votes(root: DataRoot, name: str, usage: str) -> Iterator[Row]:
    """Read ``fer2013new.csv``, the votes of all three parts.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): The file in it.
        usage (str): The part to read, one of :data:`USAGES`.

    Yields:
        tuple[int, str, list[int]]: The part's rows: line, name, ten votes.

    Raises:
        ValueError: If the header or a row is not FER+'s.
    """
    path = root.join(name)
    for number, row in new_rows(root, name):
        if row[0] == usage:
            yield number, row[1], _parse_votes(row, f'{path}:{number}')


def new_rows(root: DataRoot, name: str) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of ``fer2013new.csv`` below its header.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): The file in it.

    Yields:
        tuple[int, list[str]]: Line and fields: Usage, name, and unchecked
        votes.

    Raises:
        ValueError: If the header or a Usage is not FER+'s.
    """
    path, rows = root.join(name), root.rows(name)
    number, header = next(rows, (1, []))
    if header != HEADER:
        raise ValueError(
            f'{path}:{number}: the header is {header}; expected {HEADER}'
        )
    for number, row in rows:
        if len(row) < 2 or row[0] not in USAGES:
            raise ValueError(
                f'{path}:{number}: unknown Usage {row[0]!r} in '
                f'{",".join(row)!r}; expected one of {USAGES}, then a name '
                'and votes'
            )
        yield number, row


def read_old_votes(root: DataRoot, name: str) -> Iterator[Row]:
    """Read the headerless ``label.csv`` of one part's folder.

    Args:
        root (DataRoot): The folder of the dataset.
        name (str): The file in it; a row is name, face box and ten votes.

    Yields:
        tuple[int, str, list[int]]: Line, name, ten votes.

    Raises:
        ValueError: If a row is not FER+'s.
    """
    path = root.join(name)
    for number, row in root.rows(name):
        yield number, row[0], _parse_votes(row, f'{path}:{number}')


def _parse_votes(row: list[str], where: str) -> list[int]:
    """Parse the ten votes after a row's first two fields."""
    votes = row[2:]
    if len(votes) != len(VOTE_COLUMNS) or not all(
        vote.isascii() and vote.isdigit() for vote in votes
    ):
        raise ValueError(
            f'{where}: cannot read the row {",".join(row)!r}; expected two '
            f'fields and then integer votes for {VOTE_COLUMNS}'
        )
    return [int(vote) for vote in votes]
