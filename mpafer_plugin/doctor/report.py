import functools
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from mpafer_plugin.version import __version__

from .environment import Environment, Finding
from .notes import NOTES
from .packages import FORK, NEEDED, provider, range_of
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

# Prints the name of each imported module, or '!' and the error. What packages
# print goes to stderr. Importing mpafer_plugin only warns; using a part of it
# raises.
_SCRIPT = """
import importlib, os, sys
report = os.fdopen(os.dup(1), 'w', encoding='ascii', errors='backslashreplace')
os.dup2(2, 1)
for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
        if name == 'mpafer_plugin':
            module.models
    except BaseException as error:
        if name == 'mpafer_plugin':
            error = error.__cause__ or error
        lines = str(error).strip().splitlines() or ['']
        name = f'! {type(error).__name__}: {lines[-1]}'
    print(name, file=report, flush=True)
    if name.startswith('!'):
        break
"""

wrap = functools.partial(
    textwrap.wrap,
    width=77,  # and two of indentation
    subsequent_indent='  ',
    break_long_words=False,  # such as paths
    break_on_hyphens=False,
)


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


def import_all(seconds: float = 300) -> Trial:
    """Import the stack in a child process, up to the first failure.

    Args:
        seconds (float): Time limit; a cold disk takes a minute. Defaults to
            300.
    """
    try:
        result = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', _SCRIPT, *MODULES],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as timeout:
        output, error = timeout.stdout or b'', f'not done after {seconds:g} s'
    else:
        output = result.stdout
        error = f'the process ended with code {result.returncode}'
    lines = output.decode('ascii', 'replace').splitlines()
    imported = tuple(line for line in lines if line in MODULES)
    if imported == MODULES:
        return Trial(imported)
    if lines and lines[-1].startswith('! '):
        error = lines[-1][2:]
    return Trial(imported, MODULES[len(imported)], error)


def format_versions(env: Environment) -> list[str]:
    """Format a table of installed and required versions."""
    rows = [
        ('mpafer_plugin', __version__, ''),
        ('Python', '.'.join(map(str, env.python)), 'wanted >=3.11'),
    ]
    for module in NEEDED:
        package = provider(env, module)
        if package is None:
            name, version = module, 'missing'
            wanted = next(iter(NEEDED[module].values()))
        else:
            name, version = package.name, package.version or '?'
            wanted = range_of(name)
        remarks = [
            env.build(module) if module.startswith('torch') else '',
            f'wanted {wanted}' if wanted else '',
            'maintained fork' if name.startswith(FORK) else '',
        ]
        rows.append((name, version, ', '.join(filter(None, remarks))))
    rows.append(('GPU', ', '.join(env.gpus) or 'none found', ''))
    for name, default, *_ in SETTINGS:
        value = env.variables.get(name, f'not set, so {default}')
        rows.append((name, value, ''))
    first = max(len(row[0]) for row in rows)
    # values without a remark may be longer
    second = max(len(row[1]) for row in rows if row[2])
    return [
        f'{name:{first}}  {have:{second}}  {remark}'.rstrip()
        for name, have, remark in rows
    ]


def format_finding(
    mark: str, found: Finding, label: str = 'type'
) -> list[str]:
    """Format a finding; its command is not wrapped."""
    indent = ' ' * (len(mark) + 1)
    lines = wrap(f'{mark} {found.what}', subsequent_indent=indent)
    lines += wrap(found.why, initial_indent=indent, subsequent_indent=indent)
    if found.remedy:
        lines.append(f'{indent}{label}: {found.remedy}')
    return lines


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
    print('Versions')
    _print_indented(format_versions(env))
    if problems:
        print('Problems')
        lines = []
        for number, found in enumerate(problems, 1):
            lines += format_finding(f'{number}.', found)
        _print_indented(lines)
    if notes:
        print('Notes (no action needed)')
        lines = []
        for found in notes:
            lines += format_finding('-', found, 'to change it, type')
        _print_indented(lines)
    # flush: the imports take seconds
    print('Trial: importing the stack in a child process', flush=True)
    _print_indented(format_trial(env, problems, trial()))
    if not problems:
        print('No problem found.')
        return 0
    count = f'{len(problems)} problem{"s" * (len(problems) > 1)}'
    print(f'{count}. Fix from the top, then run this again.')
    return 1


def format_trial(
    env: Environment, problems: list[Finding], outcome: Trial
) -> list[str]:
    """Format the trial; a failure that no rule explains joins the problems."""
    lines = []
    if outcome.imported:
        lines += wrap(f'{", ".join(outcome.imported)}: fine')
    if not outcome.failed:
        return lines
    failure = f'import {outcome.failed}: {outcome.error}'
    lines += wrap(failure)
    if outcome.untried:
        lines += wrap(f'not tried after it: {", ".join(outcome.untried)}')
    for number, found in enumerate(problems, 1):
        if found.explains(failure):
            return [*lines, f'This is problem {number}.']
    if outcome.error.startswith('ModuleNotFoundError'):
        why = 'One of its requirements is not installed; pip shows which.'
        remedy = f'{env.pip} check'
    else:
        module = outcome.failed
        if module == 'mpafer_plugin':  # importing the package only warns
            module += '.models'
        why = 'No rule explains this error; the command prints all of it.'
        remedy = f'{shlex.quote(env.command)} -c "import {module}"'
    unknown = Finding(f'{outcome.failed} does not import.', why, remedy)
    problems.append(unknown)
    return lines + format_finding(f'{len(problems)}.', unknown)


def _print_indented(lines: list[str]) -> None:
    print(textwrap.indent('\n'.join(lines), '  ').rstrip(), end='\n\n')
