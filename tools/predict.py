"""Find faces and name their expressions, as ``mpafer predict``."""

import sys

from mpafer_plugin.cli.predict.command import main

if __name__ == '__main__':
    sys.exit(main())
