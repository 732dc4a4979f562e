"""Test a checkpoint, as ``mpafer test``."""

import sys

from mpafer_plugin.cli.test import main

if __name__ == '__main__':
    sys.exit(main())
