"""Report problems of the Python environment with the commands that fix them.

Exit code 1 if there is a problem, 0 otherwise.
"""

import os
import sys
from collections.abc import Sequence

from mpafer_plugin.doctor import run

from . import command_parser, print_any_text


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    parser = command_parser(__doc__, prog)
    parser.parse_args(argv)
    print_any_text()  # paths
    try:
        return run()
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
