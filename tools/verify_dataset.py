"""Check the files of a dataset, as ``mpafer verify-dataset``."""

import sys

from mpafer_plugin.cli.verify_dataset import main

if __name__ == '__main__':
    sys.exit(main())
