"""Rewrite CLIP weights, as ``mpafer convert-weights``."""

import sys

from mpafer_plugin.cli.convert_weights import main

if __name__ == '__main__':
    sys.exit(main())
