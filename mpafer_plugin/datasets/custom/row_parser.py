import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mpafer_plugin.utils.numbers import parse_number
from mpafer_plugin.utils.quoting import quote

from ..categories import canonical_name
from ..votes import parse_votes, vote
from .columns import Columns


@dataclass(frozen=True)
class RowParser:
    """Parser of path, label and box of a row.

    Args:
        columns (Columns): Where they are.
        rename (Callable): From a label as written and its place to its class.
        label_rule (str, optional): One of :data:`VOTE_RULES`; None for a
            column of labels.
        prefix (str): Put before each path.
        strip_prefix (str): Taken off the start of each path before.
    """

    columns: Columns
    rename: Callable[[str, str], str]
    label_rule: str | None
    prefix: str
    strip_prefix: str

    def check(
        self, row: Sequence[Any], header: Sequence[str], where: str
    ) -> None:
        """Check the number of fields, and the type of those that are read.

        Raises:
            ValueError: If there are more or fewer than in the header, or one
                is no text, as a list in a JSON file.
        """
        if len(row) != len(header):
            raise ValueError(
                f'{where}: {len(row)} fields in the row '
                f'{quote(",".join(map(str, row)))}; expected {len(header)}, '
                f'as in the header {quote(",".join(header))}'
            )
        for index in self.columns.indices():
            if not isinstance(row[index], str):
                raise ValueError(
                    f'{where}: {header[index]}={quote(row[index])} is no text '
                    'or number'
                )

    def path(self, row: Sequence[str], where: str) -> str:
        """Check a path and change its start."""
        path = row[self.columns.path]
        if not path:
            raise ValueError(f'{where}: the path is empty')
        if not path.startswith(self.strip_prefix):
            raise ValueError(
                f'{where}: the path {quote(path)} does not start with '
                f'strip_prefix={self.strip_prefix!r}'
            )
        path = self.prefix + path.removeprefix(self.strip_prefix)
        if '\\' in path:
            raise ValueError(
                f'{where}: the path {quote(path)} has a backslash; use '
                'slashes on every system'
            )
        return path

    def label(
        self, row: Sequence[str], where: str
    ) -> tuple[str, dict[str, float] | None]:
        """Return the class, '' if the votes give none, and its soft target."""
        if self.label_rule is None:
            label = row[self.columns.label or 0]
            if not label:
                raise ValueError(f'{where}: the label is empty')
            return self.rename(label, where), None
        voted = {
            canonical_name(self.rename(name, where)): row[i]
            for name, i in self.columns.votes.items()
        }
        shares = parse_votes(voted, where)
        label = vote(self.label_rule, shares) or ''
        return label, shares if self.label_rule == 'distribution' else None

    def box(self, row: Sequence[str], where: str) -> tuple[float, ...] | None:
        """Return the edges of the face; None if there are no such columns."""
        if self.columns.box is None:
            return None
        fields = [row[i] for i in self.columns.box]
        x1, y1, x2, y2 = map(parse_number, fields)
        if not (x1 < x2 and y1 < y2 and math.isfinite(x2 - x1 + y2 - y1)):
            raise ValueError(
                f'{where}: the box x1, y1, x2, y2 is {quote(fields)}; '
                'expected four numbers in pixels, with x1 < x2 and y1 < y2'
            )
        return x1, y1, x2, y2
