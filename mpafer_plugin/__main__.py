"""The command line: ``python -m mpafer_plugin doctor``."""

import argparse
import os
import sys

from .doctor import run


def main() -> int:
    """Run the command that was typed.

    Returns:
        int: The exit code.
    """
    parser = argparse.ArgumentParser(prog='python -m mpafer_plugin')
    commands = parser.add_subparsers(dest='command', required=True)
    about = (
        'Say what is wrong with this environment and what to type against '
        'it. Exit code 1 if something would break, 0 otherwise.'
    )
    commands.add_parser('doctor', help=about, description=about)
    parser.parse_args()
    # A path with letters that the terminal lacks must not end the report.
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore
    try:
        return run()
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == '__main__':
    sys.exit(main())
