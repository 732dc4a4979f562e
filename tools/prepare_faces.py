"""Crop the faces of a dataset, as ``mpafer prepare-faces``."""

import sys

from mpafer_plugin.cli.prepare_faces import main

if __name__ == '__main__':
    sys.exit(main())
