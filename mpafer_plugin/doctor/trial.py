from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

MODULES = (
    'torch',
    'torchvision',
    'cv2',
    'mmengine',
    'mmcv',
    'mmpretrain.models',
    'open_clip',
    'mpafer_plugin',
)
"""In the order of who imports whom, so that the first to fail is at fault."""

SECONDS = 300
"""After which an import counts as failed; a cold disk takes a minute."""

# A package may print what it likes: only marked lines count. mpafer_plugin
# merely warns at import; using a part of it raises.
_SCRIPT = """
import importlib, sys
for name in sys.argv[1:]:
    print('\\n@try', name, flush=True)
    try:
        module = importlib.import_module(name)
        if name == 'mpafer_plugin':
            module.models
    except BaseException as error:
        if name == 'mpafer_plugin':
            error = error.__cause__ or error
        lines = str(error).strip().splitlines() or ['']
        text = type(error).__name__ + ': ' + lines[-1]
        print('\\n@failed', text.encode('ascii', 'backslashreplace').decode())
        sys.exit(1)
print('\\n@done')
"""


@dataclass(frozen=True)
class Trial:
    """What came of importing the stack.

    Args:
        imported (tuple[str, ...]): What imported.
        failed (str): What did not. Defaults to '', nothing.
        error (str): Type and last line of its error. Defaults to ''.
    """

    imported: tuple[str, ...]
    failed: str = ''
    error: str = ''

    @property
    def untried(self) -> tuple[str, ...]:
        """What comes after the one that failed."""
        return MODULES[len(self.imported) + 1 :]


def import_all(
    python: str = sys.executable, seconds: float = SECONDS
) -> Trial:
    """Import the stack in a child process, up to the first failure."""
    try:
        result = subprocess.run(
            [python, '-W', 'ignore', '-c', _SCRIPT, *MODULES],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        output, end = error.stdout or b'', f'not done after {seconds:g} s'
    else:
        output = result.stdout
        end = f'the process ended with code {result.returncode}'
    tried: list[str] = []
    for line in output.decode('utf-8', 'replace').splitlines():
        mark, _, text = line.partition(' ')
        if line == '@done':
            return Trial(tuple(tried))
        if mark == '@failed':
            end = text
        if mark == '@try':
            tried.append(text)
    return Trial(tuple(tried[:-1]), tried[-1] if tried else MODULES[0], end)
