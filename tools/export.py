"""Export a trained model as ONNX, as ``mpafer export``."""

import sys

from mpafer_plugin.cli.export import main

if __name__ == '__main__':
    sys.exit(main())
