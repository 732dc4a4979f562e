"""Generate descriptions of classes, as ``mpafer generate-prompts``."""

import sys

from mpafer_plugin.cli.generate_prompts import main

if __name__ == '__main__':
    sys.exit(main())
