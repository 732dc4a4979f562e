import runpy
import sys

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

from mpafer_plugin.cli.predict.command import main
from tests.test_apis.conftest import face_tiny, save  # noqa: F401


@pytest.fixture
def predict(face_tiny, save, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Function that runs the tool in a folder of its own."""
    weights = save(face_tiny)
    monkeypatch.chdir(tmp_path)

    def run(*args):
        if '--weights' not in args:
            args = *args, '--weights', weights
        try:
            code = main(list(map(str, args)))
        except SystemExit as error:  # argparse
            code = error.code
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def run_tool(tmp_path, monkeypatch, capsys):
    """Function that runs a tool in this process, in a folder of its own."""

    def run(tool, *args):
        # A logger of an earlier test writes to that test's closed output.
        monkeypatch.setattr(MMLogger, '_instance_dict', {})
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', [str(tool), *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(tool), run_name='__main__')
        return end.value.code, capsys.readouterr()

    return run


@pytest.fixture
def noise(tmp_path):
    """A folder with an image, another below, and one file that is none."""
    rng = np.random.default_rng(0)
    folder = tmp_path / 'in'
    (folder / 'below').mkdir(parents=True)
    for name in ('a.png', 'below/a.png'):
        image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), image)
    (folder / 'bad.jpg').write_bytes(b'no image')
    return folder
