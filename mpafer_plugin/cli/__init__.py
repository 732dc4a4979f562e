"""Commands: what ``mpafer COMMAND`` runs."""

import argparse
import functools
import io
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec('P')
Main = Callable[P, int]


def command_parser(
    description: str | None, prog: str | None
) -> argparse.ArgumentParser:
    """Make the parser of a command; its help begins with the docstring."""
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def print_any_text() -> None:
    """Print what the terminal or UTF-8 lacks with escapes, not an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')


def exit_on_interrupt(message: str) -> Callable[[Main[P]], Main[P]]:
    """Decorate the ``main`` of a command: Ctrl-C gives exit code 130.

    Args:
        message (str): Printed on Ctrl-C.
    """

    def decorate(main: Main[P]) -> Main[P]:
        @functools.wraps(main)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return main(*args, **kwargs)
            except KeyboardInterrupt:
                print(message, file=sys.stderr)
                return 130  # as shells report it

        return wrapped

    return decorate
