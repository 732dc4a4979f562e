"""The page of a report, from the templates."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mpafer_plugin.utils.atomic_write import atomic_write

from .numbers import plain

UNKNOWN = '–'  # noqa: RUF001


def percent(value: float | None, digits: int = 1) -> str:
    """Format a percentage, a dash if it is not known."""
    return UNKNOWN if value is None else f'{value:.{digits}f}'


def with_interval(found: Mapping[str, float] | None) -> Markup | str:
    """Format a value and its interval, a dash if it is not known.

    An interval without width, of resamples that are all alike, is left out.
    """
    if found is None:
        return UNKNOWN
    if found['low'] == found['high']:
        return percent(found['value'])
    return Markup('{:.1f} <small>[{:.1f}, {:.1f}]</small>').format(
        found['value'], found['low'], found['high']
    )


def signed(found: Mapping[str, float]) -> Markup:
    """Format a difference and its interval."""
    return Markup('{:+.1f} <small>[{:+.1f}, {:+.1f}]</small>').format(
        found['value'], found['low'], found['high']
    )


def render(template: str, **content: Any) -> str:
    """Fill a template.

    Args:
        template (str): Its name.
        **content: Values that it names.
    """
    environment = Environment(
        loader=PackageLoader('mpafer_plugin', 'report/templates'),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        percent=percent, interval=with_interval, signed=signed
    )
    return environment.get_template(template).render(**content)


def write(html: str, numbers: Mapping[str, Any], path: Path) -> Path:
    """Write the page and, beside it, its numbers.

    Args:
        html (str): The page.
        numbers (Mapping): See :func:`plain`.
        path (Path): Ends in .html.

    Returns:
        Path: The JSON, of the same name.
    """
    text = json.dumps(plain(dict(numbers)), ensure_ascii=False, indent=1)
    beside = path.with_suffix('.json')
    for target, content in ((beside, text), (path, html)):
        with atomic_write(target) as part:
            part.write_text(content + '\n', encoding='utf-8')
    return beside
