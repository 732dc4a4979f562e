import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from mpafer_plugin.version import __version__

from .environment import (
    Environment,
    Finding,
    described,
    torch_build,
    torchvision_build,
)
from .notes import NOTES
from .packages import FORK, NEEDED
from .problems import PROBLEMS, SETTINGS

MODULES = (
    'torch',
    'torchvision',
    'cv2',
    'mmengine',
    'mmcv',
    'mmpretrain.models',
    'open_clip',
    'mpafer_plugin',
)
"""Imported modules before importing ones: the first to fail is at fault."""

SECONDS = 300
"""Time limit of the imports; a cold disk takes a minute."""

# Packages print too: only marked lines count. Importing mpafer_plugin only
# warns; using a part of it raises.
_SCRIPT = """
import importlib, sys
for name in sys.argv[1:]:
    print('\\n@try', name, flush=True)
    try:
        module = importlib.import_module(name)
        if name == 'mpafer_plugin':
            module.models
    except BaseException as error:
        if name == 'mpafer_plugin':
            error = error.__cause__ or error
        lines = str(error).strip().splitlines() or ['']
        text = type(error).__name__ + ': ' + lines[-1]
        print('\\n@failed', text.encode('ascii', 'backslashreplace').decode())
        sys.exit(1)
print('\\n@done')
"""


@dataclass(frozen=True)
class Trial:
    """Outcome of importing the stack.

    Args:
        imported (tuple[str, ...]): Modules that were imported.
        failed (str): Module that failed. Defaults to '', none.
        error (str): Type and last line of its error. Defaults to ''.
    """

    imported: tuple[str, ...]
    failed: str = ''
    error: str = ''

    @property
    def untried(self) -> tuple[str, ...]:
        """Modules after the one that failed."""
        return MODULES[len(self.imported) + 1 :]


def import_all(
    python: str = sys.executable, seconds: float = SECONDS
) -> Trial:
    """Import the stack in a child process, up to the first failure."""
    try:
        result = subprocess.run(
            [python, '-W', 'ignore', '-c', _SCRIPT, *MODULES],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        output, end = error.stdout or b'', f'not done after {seconds:g} s'
    else:
        output = result.stdout
        end = f'the process ended with code {result.returncode}'
    tried: list[str] = []
    for line in output.decode('utf-8', 'replace').splitlines():
        mark, _, text = line.partition(' ')
        if line == '@done':
            return Trial(tuple(tried))
        if mark == '@failed':
            end = text
        if mark == '@try':
            tried.append(text)
    return Trial(tuple(tried[:-1]), tried[-1] if tried else MODULES[0], end)


WIDTH = 77  # and two of indentation


def versions(env: Environment) -> list[str]:
    """Format a table of installed and required versions."""
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
            remarks.append('maintained fork')
        rows.append((name, have, ', '.join(filter(None, remarks))))
    rows.append(('GPU', ', '.join(env.gpus) or 'none found', ''))
    for setting in SETTINGS:
        default = f'not set, so {setting.default}'
        rows.append(
            (setting.name, env.variables.get(setting.name, default), '')
        )
    first = max(len(row[0]) for row in rows)
    # values without a remark may be longer
    second = max(len(row[1]) for row in rows if row[2])
    return [
        f'{name:{first}}  {have:{second}}  {remark}'.rstrip()
        for name, have, remark in rows
    ]


def finding(mark: str, found: Finding, label: str = 'type') -> list[str]:
    """Format a finding; its command is not wrapped."""
    indent = ' ' * (len(mark) + 1)
    lines = wrap(f'{mark} {found.what}', '', indent)
    lines += wrap(found.why, indent, indent)
    if found.remedy:
        lines.append(f'{indent}{label}: {found.remedy}')
    return lines


def wrap(text: str, first: str = '', rest: str = '  ') -> list[str]:
    """Wrap a text, but no paths or long words."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def run(
    env: Environment | None = None, trial: Callable[[], Trial] = import_all
) -> int:
    """Print the report.

    Args:
        env (Environment, optional): Defaults to None, the environment of
            this process.
        trial (Callable): Function that imports the stack in a child process.

    Returns:
        int: Exit code; 1 if there is a problem, else 0.
    """
    env = env or Environment.here()
    problems = [found for rule in PROBLEMS for found in rule(env)]
    notes = [found for rule in NOTES for found in rule(env)]
    _print('Versions', versions(env))
    if problems:
        lines = []
        for number, found in enumerate(problems, 1):
            lines += finding(f'{number}.', found)
        _print('Problems', lines)
    if notes:
        lines = []
        for found in notes:
            lines += finding('-', found, 'to change it, type')
        _print('Notes (no action needed)', lines)
    # flush: the imports take seconds
    print('Trial: importing the stack in a child process', flush=True)
    outcome = trial()
    lines, unknown = _trial_lines(env, problems, outcome)
    print(textwrap.indent('\n'.join(lines), '  '), end='\n\n')
    number = len(problems) + unknown
    if number:
        count = f'{number} problem{"s" * (number > 1)}'
        print(f'{count}. Fix from the top, then run this again.')
    else:
        print('No problem found.')
    return int(number > 0)


def _trial_lines(
    env: Environment, problems: list[Finding], outcome: Trial
) -> tuple[list[str], int]:
    """Format the trial; also 1 for a failure that no rule explains, else 0."""
    lines = []
    if outcome.imported:
        lines += wrap(f'{", ".join(outcome.imported)}: fine')
    if not outcome.failed:
        return lines, 0
    failure = f'import {outcome.failed}: {outcome.error}'
    lines += wrap(failure)
    if outcome.untried:
        untried = ', '.join(outcome.untried)
        lines += wrap(f'not tried after it: {untried}')
    for number, found in enumerate(problems, 1):
        if found.explains(failure):
            return [*lines, f'This is problem {number}.'], 0
    if outcome.error.startswith('ModuleNotFoundError'):
        why = 'One of its requirements is not installed; pip shows which.'
        remedy = '-m pip check'
    else:
        # importing the package itself only warns
        package = outcome.failed == 'mpafer_plugin'
        module = f'{outcome.failed}.models' if package else outcome.failed
        why = 'No rule explains this error; the command prints all of it.'
        remedy = f'-c "import {module}"'
    unknown = Finding(
        f'{outcome.failed} does not import.',
        why,
        f'{shlex.quote(env.command)} {remedy}',
    )
    return lines + finding(f'{len(problems) + 1}.', unknown), 1


def _print(title: str, lines: list[str]) -> None:
    print(title)
    print(textwrap.indent('\n'.join(lines), '  ').rstrip(), end='\n\n')
