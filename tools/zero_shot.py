"""Accuracy of the hard prompts alone, as ``mpafer zero-shot``."""

import sys

from mpafer_plugin.cli.zero_shot import main

if __name__ == '__main__':
    sys.exit(main())
