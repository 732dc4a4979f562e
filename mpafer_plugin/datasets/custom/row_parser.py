import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

    def path(self, row: Sequence[str], where: str) -> str:
        """Check a path and change its start."""
        path = row[self.columns.path]
        if not path:
            raise ValueError(f'{where}: the path is empty')
        if not path.startswith(self.strip_prefix):
            raise ValueError(
                f'{where}: the path {path!r} does not start with '
                f'strip_prefix={self.strip_prefix!r}'
            )
        path = self.prefix + path.removeprefix(self.strip_prefix)
        if '\\' in path:
            raise ValueError(
                f'{where}: the path {path!r} has a backslash; use slashes '
                'on every system'
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
        try:
            x1, y1, x2, y2 = map(float, fields)
        except ValueError:
            x1 = y1 = x2 = y2 = math.nan
        if not (x1 < x2 and y1 < y2 and math.isfinite(x2 - x1 + y2 - y1)):
            raise ValueError(
                f'{where}: the box x1, y1, x2, y2 is {fields}; expected four '
                'numbers in pixels, with x1 < x2 and y1 < y2'
            )
        return x1, y1, x2, y2
