"""Report on checkpoints, as ``mpafer report``."""

import sys

from mpafer_plugin.cli.report import main

if __name__ == '__main__':
    sys.exit(main())
