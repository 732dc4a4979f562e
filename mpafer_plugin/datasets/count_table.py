from collections.abc import Mapping, Sequence

from .categories import canonical_name


def count_table(
    classes: Sequence[str], rows: Mapping[str, Mapping[str, int]]
) -> str:
    """Draw counts of pictures, one column a class.

    Args:
        classes (Sequence[str]): The classes, in label order.
        rows (Mapping[str, Mapping[str, int]]): A row's title to its counts,
            each from canonical name to count.

    Returns:
        str: One line of names, then one line a row, with totals.
    """
    lines = [['', *classes, 'total']]
    for title, counts in rows.items():
        cells = [counts.get(canonical_name(name), 0) for name in classes]
        lines.append([title, *map(str, [*cells, sum(counts.values())])])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join(
        '  ' + '  '.join(map(str.rjust, line, widths)) for line in lines
    )
