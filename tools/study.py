"""Run several recipes by several seeds, as ``mpafer study``."""

import sys

from mpafer_plugin.cli.study.command import main

if __name__ == '__main__':
    sys.exit(main())
