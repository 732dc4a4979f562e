"""Train and test on each fold, as ``mpafer cross-validate``."""

import sys

from mpafer_plugin.cli.cross_validate import main

if __name__ == '__main__':
    sys.exit(main())
