"""Draw images of a dataset, as ``mpafer browse-dataset``."""

import sys

from mpafer_plugin.cli.browse_dataset import main

if __name__ == '__main__':
    sys.exit(main())
