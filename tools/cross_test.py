"""Test models on several datasets, as ``mpafer cross-test``."""

import sys

from mpafer_plugin.cli.cross_test import main

if __name__ == '__main__':
    sys.exit(main())
