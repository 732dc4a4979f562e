import subprocess
import sys

SLOW = ('open_clip', 'matplotlib.pyplot', 'pandas', 'openai', 'PIL.ImageShow')
CODE = f"""
import sys
import mmpretrain.models
before = set(sys.modules)
import mpafer_plugin
print(*sorted((set(sys.modules) - before) & set({SLOW!r})))
"""


def test_slow_packages_are_imported_when_they_are_needed():
    """open_clip alone is half a second, which every command would pay."""
    run = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', CODE],
        capture_output=True,
        text=True,
        check=True,
    )
    last = run.stdout.splitlines()[-1]  # the fork prints a line of its own
    assert last.split() == []
