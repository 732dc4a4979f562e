"""Mutated input: each case is named by target, seed and index."""

import contextlib
import importlib
import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

SECONDS = 10
"""Processor time of a case, so that a busy machine changes nothing."""

WALL_SECONDS = 300
"""Time of a case that waits for something."""

MEMORY = 2 * 2**30
"""Bytes that a case may take."""

LONGEST = 4000
"""Characters of an error's message: it quotes values shortened."""

DOCUMENTED = (ValueError, FileNotFoundError)


class Finding(Exception):
    """Raised by a target if what was read is wrong, a row lost for one."""


@dataclass(frozen=True)
class Target:
    """Something that reads files.

    Attributes:
        name: Its name on the command line.
        write: Writes a mutated input in an empty folder and returns its path:
            `write(rng, folder)`. See files.py.
        read: Reads it, or raises.
        errors: Types of errors that are documented; of these themselves, not
            of types derived from them.
        cases: Number of cases in `make test-all`; fewer where each is slow.
    """

    name: str
    write: Callable[[Random, Path], Path]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...] = DOCUMENTED
    cases: int = 500


@dataclass(frozen=True)
class Outcome:
    """Outcome of a case: 'accepted', 'refused' or 'finding'.

    Attributes:
        kind: One of these.
        text: The error's message, or what was found.
        place: What findings of the same cause have in common.
        trace: The traceback of a finding.
    """

    kind: str
    text: str = ''
    place: str = ''
    trace: str = ''


def run_case(target: Target, seed: int, index: int, folder: Path) -> Outcome:
    """Run a case in this process, with its files in a folder."""
    path = target.write(Random(f'{target.name}/{seed}/{index}'), folder)
    try:
        with _limits():
            target.read(path)
    except Exception as error:
        problem = _problem(error, target.errors, path.name)
        text = f'{type(error).__name__}: {error}'
        if not problem:
            return Outcome('refused', text)
        trace = ''.join(traceback.format_exception(error))
        text = f'{problem}: {_printable(text)[:600]}'
        return Outcome('finding', text, _place(error, problem), trace)
    return Outcome('accepted')


def _problem(error: Exception, documented: tuple, name: str) -> str:
    """Return what is wrong with an error, '' if it is a good one."""
    message, causes = str(error), [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, MemoryError) or 'allocate memory' in str(cause):
            return f'it takes more than {MEMORY >> 30} GB'
    if type(error) not in documented:
        return 'not a documented error'
    if name not in message:
        return f'the error does not name {name!r}'
    if len(message) > LONGEST:
        return f'the message has more than {LONGEST} characters'
    return '' if message == _printable(message) else 'it cannot be printed'


def _printable(text: str) -> str:
    return text.encode('utf-8', 'backslashreplace').decode('utf-8')


def _place(error: Exception, problem: str) -> str:
    """Return what findings of one cause have in common: our last line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [x for x in frames if 'mpafer_plugin' in x.filename] or frames
    place = f'{own[-1].filename}:{own[-1].lineno}'
    return f'{problem} {type(error).__name__} {place}'


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """Limit processor time and memory of a block."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + SECONDS + 1
    own = {resource.RLIMIT_CPU: seconds}
    if sys.platform == 'linux':  # elsewhere the limit has no effect
        status = Path('/proc/self/status').read_text()
        kilobytes = status.partition('VmData:')[2].split()[0]
        own[resource.RLIMIT_DATA] = 1024 * int(kilobytes) + MEMORY
    before = {limit: resource.getrlimit(limit) for limit in own}
    try:
        for limit, value in own.items():
            resource.setrlimit(limit, (value, before[limit][1]))
        yield
    finally:
        for limit, value in before.items():
            resource.setrlimit(limit, value)


class Worker:
    """A process that runs cases, replaced when it dies or hangs.

    Args:
        module: Name of the module with `TARGETS`, by their names.
    """

    def __init__(self, module: str = 'tests.fuzz.targets') -> None:
        self._context = multiprocessing.get_context('forkserver')
        self._context.set_forkserver_preload([module])
        self._module = module
        self._process = None

    def run(
        self, name: str, seed: int, index: int, keep: Path | None = None
    ) -> Outcome:
        """Run a case; its files are removed, unless there is a folder.

        A case that ends the process runs again in a new one, as the command
        that repeats it does: the cases before it may be the cause.
        """
        outcome = self._run(name, seed, index, keep)
        if self._process is None:
            outcome = self._run(name, seed, index, keep)
        return outcome

    def _run(
        self, name: str, seed: int, index: int, keep: Path | None
    ) -> Outcome:
        if self._process is None:
            self._pipe, other = self._context.Pipe()
            self._process = self._context.Process(
                target=_serve, args=(other, self._module), daemon=True
            )
            self._process.start()
            other.close()
        self._pipe.send((name, seed, index, keep))
        try:
            if self._pipe.poll(WALL_SECONDS):
                return self._pipe.recv()
            text = f'it takes more than {WALL_SECONDS} s'
        except EOFError:
            self._process.join()
            code = -self._process.exitcode
            text = f'the interpreter died: {code}'
            if code in set(signal.Signals):
                text += f', {signal.Signals(code).name}'
            if code == signal.SIGXCPU:
                text = f'it takes more than {SECONDS} s of processor time'
        self.close()
        return Outcome('finding', text, text)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _serve(pipe, module: str) -> None:
    """Run the cases that come by a pipe."""
    targets = importlib.import_module(module).TARGETS
    warnings.simplefilter('ignore')
    logging.disable()
    with open(os.devnull, 'w') as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    with tempfile.TemporaryDirectory() as cache:
        os.environ['MPAFER_CACHE'] = cache
        while True:
            try:
                name, seed, index, keep = pipe.recv()
            except EOFError:
                return
            with contextlib.ExitStack() as stack:
                folder = keep or stack.enter_context(
                    tempfile.TemporaryDirectory()
                )
                try:
                    outcome = run_case(
                        targets[name], seed, index, Path(folder)
                    )
                except Exception as error:
                    trace = ''.join(traceback.format_exception(error))
                    text = f'no file was written: {error}'
                    outcome = Outcome('finding', text, 'write', trace)
                pipe.send(outcome)


def command(name: str, seed: int, index: int) -> str:
    """Return the command that runs a case again."""
    return f'python -m tests.fuzz {name} --seed {seed} --case {index}'


def run_target(
    worker: Worker, name: str, seed: int, cases: int
) -> tuple[dict[str, int], dict[str, list[tuple[int, Outcome]]]]:
    """Run cases of a target.

    Returns:
        tuple: Count of each kind of outcome, and the findings as pairs of
        index and outcome, by their place.
    """
    counts = dict.fromkeys(('accepted', 'refused', 'finding'), 0)
    findings: dict[str, list[tuple[int, Outcome]]] = {}
    for index in range(cases):
        outcome = worker.run(name, seed, index)
        counts[outcome.kind] += 1
        if outcome.kind == 'finding':
            findings.setdefault(outcome.place, []).append((index, outcome))
    return counts, findings


def describe(name: str, seed: int, findings: dict) -> str:
    """Describe findings, each with the command that runs its first case."""
    return '\n'.join(
        f'{command(name, seed, cases[0][0])}  # {len(cases)} of this kind\n'
        f'  {cases[0][1].text}'
        for cases in findings.values()
    )
