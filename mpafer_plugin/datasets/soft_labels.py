"""Distributions over the classes, in a table beside a dataset's labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mpafer_plugin.utils.quoting import quote

from .annotations import Sample
from .categories import canonical_name
from .data_root import DataRoot
from .votes import VOTE_RULES, parse_votes, vote

_IMAGE_COLUMNS = ('image', 'path', 'file_name', 'name', 'number')


def check_label_rule(label_rule: str | None, votes: str | None) -> None:
    """Check a dataset's arguments.

    Raises:
        ValueError: If the rule is unknown, or one comes without the other.
    """
    if label_rule not in (None, 'distribution'):
        raise ValueError(
            f"unknown label_rule {label_rule!r}; it is 'distribution', or "
            'None for the labels as annotated'
        )
    if (label_rule is None) != (votes is None):
        raise ValueError(
            f"label_rule={label_rule!r}, but votes={votes!r}: 'distribution' "
            'needs a table of votes or shares, one column a class'
        )


def with_soft_labels(
    root: DataRoot,
    samples: Sequence[Sample],
    votes: str,
    names: Mapping[str, str],
    key: Callable[[str], str],
) -> tuple[list[Sample], str]:
    """Give samples soft targets, and their argmax as the label.

    Args:
        root (DataRoot): The folder of the dataset.
        samples (Sequence[Sample]): All samples of a part.
        votes (str): The table in it. The first column is the image, the
            others are the votes or shares of each class, which a header
            names; without a header they are in the order of ``names``.
        names (Mapping[str, str]): The dataset's number of each class, as
            written, to its name.
        key (Callable): From an image in the table to :attr:`Sample.key`.

    Returns:
        tuple[list[Sample], str]: The samples, and a clause with the number of
        labels that differ from the annotated ones.

    Raises:
        ValueError: If a row is wrong, or an image has no or two rows.
    """
    shares: dict[str, dict[str, float]] = {}
    path, rows = root.join(votes), root.rows(votes, None)
    order = list(names.values())
    for index, (line, row) in enumerate(rows):
        where = f'{path}:{line}'
        if index == 0 and row and row[0].lower() in _IMAGE_COLUMNS:
            order = _read_header(row[1:], names, where)
            continue
        if len(row) != len(order) + 1:
            raise ValueError(
                f'{where}: {len(row)} fields in the row '
                f'{quote(",".join(row))}; expected an image and '
                f'{len(order)} votes, of {order}'
            )
        name = key(row[0])
        found = parse_votes(dict(zip(order, row[1:], strict=True)), where)
        if not found:
            raise ValueError(f'{where}: {quote(row[0])} has no votes')
        if shares.setdefault(name, found) != found:
            raise ValueError(
                f'{where}: {quote(row[0])} is {found}, but {shares[name]} '
                'above'
            )
    missing = [sample for sample in samples if sample.key not in shares]
    if missing:
        raise ValueError(
            f'{path} lacks {len(missing)} of {len(samples)} images, such as '
            f'{missing[0].key!r}'
        )
    soft = [
        sample._replace(
            label=vote('distribution', shares[sample.key]) or '',
            score=shares[sample.key],
        )
        for sample in samples
    ]
    changed = sum(
        a.label != b.label for a, b in zip(samples, soft, strict=True)
    )
    return soft, (
        f'{VOTE_RULES["distribution"]}, by {votes}; {changed} labels differ '
        'from the annotated ones'
    )


def _read_header(
    header: Iterable[str], names: Mapping[str, str], where: str
) -> list[str]:
    """Return the class of each column."""
    order = [names.get(name, canonical_name(name)) for name in header]
    if sorted(order) != sorted(names.values()):
        raise ValueError(
            f'{where}: the columns after the image are {quote([*header])}; '
            f'expected each of {dict(names)} once, by number or by name'
        )
    return order
