"""Result of a run: its file, and the check of what it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.numbers import is_number, is_whole
from mpafer_plugin.utils.quoting import quote

RESULT = 'result.json'
METRICS = ('accuracy', 'uar', 'macro_f1')
COSTS = ('train_seconds', 'step_seconds', 'memory_mib')


def read_result(path: Path) -> dict[str, Any]:
    """Read the ``result.json`` of a run.

    Raises:
        ValueError: If it is not what a run writes.
    """
    found = parse_json(path.read_bytes(), str(path))
    try:
        return check_result(found)
    except ValueError as error:
        raise ValueError(
            f'{path}: {error}; delete the file to test the run again'
        ) from error


def check_result(found: Any) -> dict[str, Any]:
    """Return the result of a run, checked.

    Args:
        found (Any): A dict with the scores ``best`` and ``last`` (accuracy,
            uar and macro_f1, in percent, and perhaps ``classes`` and
            ``confusion``), ``val_accuracy`` in percent, the number of
            ``learnable`` values, and perhaps :data:`COSTS`.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(found, dict):
        raise ValueError(f'{quote(found)} is no object')
    for epoch in ('best', 'last'):
        scores = found.get(epoch)
        if not isinstance(scores, dict):
            raise ValueError(f'{epoch}={quote(scores)} is no object')
        for name in METRICS:
            _check_percent(scores.get(name), f'{epoch}.{name}')
        if 'confusion' in scores:
            _check_confusion(scores, epoch)
    _check_percent(found.get('val_accuracy'), 'val_accuracy')
    if not is_whole(found.get('learnable')):
        raise ValueError(
            f'learnable={quote(found.get("learnable"))} is no number of values'
        )
    for name in COSTS:
        value = found.get(name, 0)
        if not is_number(value) or value < 0:
            raise ValueError(f'{name}={quote(value)} is no number, 0 or more')
    return found


def _check_percent(value: Any, name: str) -> None:
    if not is_number(value) or not 0 <= value <= 100:
        raise ValueError(f'{name}={quote(value)} is no number in 0 to 100')


def _check_confusion(scores: Mapping[str, Any], epoch: str) -> None:
    names, rows = scores.get('classes'), scores['confusion']
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or not isinstance(rows, list)
        or [len(row) if isinstance(row, list) else -1 for row in rows]
        != [len(names)] * len(names)
        or not all(is_whole(number) for row in rows for number in row)
    ):
        raise ValueError(
            f'{epoch}.confusion={quote(rows)} is no square of counts of the '
            f'classes {quote(names)}'
        )


def check_classes(results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Check that all results have a confusion matrix of the same classes.

    Args:
        results (Mapping[Path, Mapping]): Files and what they hold.

    Raises:
        ValueError: If one has none, or of other classes than the first.
    """
    found = {p: r['best'].get('classes') for p, r in results.items()}
    (first_path, first), *_ = found.items()
    for path, classes in found.items():
        if classes is None or classes != first:
            raise ValueError(
                f'{path} has the confusion matrix of the classes '
                f'{quote(classes)}, {first_path} that of {quote(first)}; '
                'delete the files to test the runs again'
            )
