"""How findings look in a terminal: 79 columns, no colours."""

from __future__ import annotations

import textwrap

from ..version import __version__
from .builds import described, torch_build, torchvision_build
from .environment import Environment
from .finding import Finding
from .packages import FORK, NEEDED
from .problems import SETTINGS

WIDTH = 77  # and two of indentation


def versions(env: Environment) -> list[str]:
    """Tabulate what is installed beside what is wanted."""
    rows = [
        ('mpafer_plugin', __version__, ''),
        ('Python', '.'.join(map(str, env.python)), 'wanted >=3.11'),
    ]
    builds = {
        'torch': described(torch_build(env)),
        'torchvision': described(torchvision_build(env)),
    }
    for need in NEEDED:
        package = need.provider(env)
        if package is None:
            name, have = need.module, 'missing'
            wanted = need.range_of(need.names[0])
        else:
            name, have = package.name, package.version or '?'
            wanted = need.range_of(name)
        remarks = [builds.get(name, ''), f'wanted {wanted}' * bool(wanted)]
        if name.startswith(FORK):
            remarks.append('the living fork')
        rows.append((name, have, ', '.join(filter(None, remarks))))
    rows.append(('GPU', ', '.join(env.gpus) or 'none found', ''))
    for setting in SETTINGS:
        default = f'not set, so {setting.default}'
        rows.append(
            (setting.name, env.variables.get(setting.name, default), '')
        )
    first = max(len(row[0]) for row in rows)
    # Long values, which have no remark, may stick out.
    second = max(len(row[1]) for row in rows if row[2])
    return [
        f'{name:{first}}  {have:{second}}  {remark}'.rstrip()
        for name, have, remark in rows
    ]


def finding(mark: str, found: Finding, label: str = 'type') -> list[str]:
    """Write one finding; the line to type stays in one piece."""
    indent = ' ' * (len(mark) + 1)
    lines = wrap(f'{mark} {found.what}', '', indent)
    lines += wrap(found.why, indent, indent)
    if found.remedy:
        lines.append(f'{indent}{label}: {found.remedy}')
    return lines


def wrap(text: str, first: str = '', rest: str = '  ') -> list[str]:
    """Break a text into lines; paths and long words stay in one piece."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
