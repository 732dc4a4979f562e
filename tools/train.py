"""Train a model, as ``mpafer train``."""

import sys

from mpafer_plugin.cli.train import main

if __name__ == '__main__':
    sys.exit(main())
