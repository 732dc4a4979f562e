"""Page of finished studies, for ``mpafer report --studies``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpafer_plugin.report import plots
from mpafer_plugin.report.page import render
from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.quoting import quote

from .table import Row, markdown_row, read_row

METRICS = dict(accuracy='accuracy', uar='UAR', macro_f1='macro-F1')


def read_studies(folder: Path) -> dict[str, list[Row]]:
    """Read the results of all studies in a folder, by title.

    Args:
        folder (Path): Output of ``mpafer study``, or a folder of several.

    Raises:
        ValueError: If there is none, or one cannot be read.
    """
    found = {}
    for path in sorted(folder.rglob('runs.json')):
        content = parse_json(path.read_bytes(), str(path))
        try:
            if not isinstance(content, list):
                raise ValueError(f'{quote(content)} is no list')
            rows = [read_row(row) for row in content]
        except ValueError as error:
            raise ValueError(f'{path} is not of a study: {error}') from error
        if rows:
            found[_title(path)] = rows
    if not found:
        raise ValueError(
            f'no runs.json, which `mpafer study` writes, in {str(folder)!r}'
        )
    return found


def _title(path: Path) -> str:
    """Return the title of a study and, as titles repeat, its folder."""
    table = path.with_name('table.md')
    if not table.is_file():
        return path.parent.name
    with table.open(encoding='utf-8', errors='replace') as file:
        title = file.readline().lstrip('#').strip()
    return f'{title} ({path.parent.name})'


def study_page(
    studies: Mapping[str, list[Row]], head: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the page of studies, and its numbers.

    Args:
        studies (Mapping): See :func:`read_studies`.
        head (Mapping): ``command``, ``date`` and ``versions``.
    """
    numbers = dict(head) | dict(
        title='Studies' if len(studies) > 1 else next(iter(studies)),
        studies=[
            dict(
                title=title,
                table=[markdown_row(row) for row in rows],
                runs=[row._asdict() for row in rows],
            )
            for title, rows in studies.items()
        ],
    )
    figures = [
        plots.seeds(
            [row.recipe for row in rows],
            {
                name: [row.values(metric) for row in rows]
                for metric, name in METRICS.items()
            },
        )
        for rows in studies.values()
    ]
    page = render(
        'studies.html', report=numbers, colours=plots.COLOURS, figures=figures
    )
    return page, numbers
