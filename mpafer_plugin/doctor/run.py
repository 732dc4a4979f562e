from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable

from . import report
from .environment import Environment
from .finding import Finding
from .notes import NOTES
from .problems import PROBLEMS
from .trial import Trial, import_all


def run(
    env: Environment | None = None, trial: Callable[[], Trial] = import_all
) -> int:
    """Print the report.

    Args:
        env (Environment, optional): Defaults to this process's.
        trial (Callable): What imports the stack in a child process.

    Returns:
        int: The exit code, 1 if something would break.
    """
    env = env or Environment.here()
    problems = [found for rule in PROBLEMS for found in rule(env)]
    notes = [found for rule in NOTES for found in rule(env)]
    _print('Versions', report.versions(env))
    if problems:
        lines = []
        for number, found in enumerate(problems, 1):
            lines += report.finding(f'{number}.', found)
        _print('Problems', lines)
    if notes:
        lines = []
        for found in notes:
            lines += report.finding('-', found, 'to change it, type')
        _print('Notes (nothing has to be done)', lines)
    # The report so far is read while the imports take their seconds.
    print('Trial: the stack imported in a process of its own', flush=True)
    outcome = trial()
    lines, unknown = _trial_lines(env, problems, outcome)
    print(textwrap.indent('\n'.join(lines), '  '), end='\n\n')
    number = len(problems) + unknown
    if number:
        count = f'{number} problem{"s" * (number > 1)}'
        print(f'{count}. Mend from the top, then run this again.')
    else:
        print('No problem found.')
    return int(number > 0)


def _trial_lines(
    env: Environment, problems: list[Finding], outcome: Trial
) -> tuple[list[str], int]:
    """Describe the trial; 1 if it found what no rule knows, else 0."""
    lines = []
    if outcome.imported:
        lines += report.wrap(f'{", ".join(outcome.imported)}: fine')
    if not outcome.failed:
        return lines, 0
    failure = f'import {outcome.failed}: {outcome.error}'
    lines += report.wrap(failure)
    if outcome.untried:
        untried = ', '.join(outcome.untried)
        lines += report.wrap(f'not tried after it: {untried}')
    for number, found in enumerate(problems, 1):
        if found.explains(failure):
            return [*lines, f'This is problem {number}.'], 0
    if outcome.error.startswith('ModuleNotFoundError'):
        why = 'Something that it requires is not installed; pip says what.'
        remedy = '-m pip check'
    else:
        # The package itself merely warns when it is imported.
        package = outcome.failed == 'mpafer_plugin'
        module = f'{outcome.failed}.models' if package else outcome.failed
        why = 'No rule of doctor knows this error; the line shows all of it.'
        remedy = f'-c "import {module}"'
    unknown = Finding(
        f'{outcome.failed} does not import.',
        why,
        f'{shlex.quote(env.command)} {remedy}',
    )
    return lines + report.finding(f'{len(problems) + 1}.', unknown), 1


def _print(title: str, lines: list[str]) -> None:
    print(title)
    print(textwrap.indent('\n'.join(lines), '  ').rstrip(), end='\n\n')
