"""Report problems of the Python environment with the commands that fix them.

Exit code 1 if there is a problem, 0 otherwise.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from mpafer_plugin.doctor import run

from . import print_any_text


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    print_any_text()  # paths
    try:
        return run()
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
