"""Check the environment: what is wrong, and what to type against it.

Exit code 1 if something would break, 0 otherwise.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from mpafer_plugin.doctor import run


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    # A path with letters that the terminal lacks must not end the report.
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore
    try:
        return run()
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
