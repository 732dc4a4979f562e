import importlib
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_apis.conftest import face_tiny, save  # noqa: F401


@pytest.fixture
def predict(face_tiny, save, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Function that runs the tool in a folder of its own."""
    weights = save(face_tiny)
    monkeypatch.syspath_prepend(ROOT / 'tools')
    monkeypatch.chdir(tmp_path)
    main = importlib.import_module('predict').main

    def run(*args):
        if '--weights' not in args:
            args = *args, '--weights', weights
        command = ['predict.py', *args]
        monkeypatch.setattr(sys, 'argv', list(map(str, command)))
        try:
            code = main()
        except SystemExit as error:  # argparse
            code = error.code
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def noise(tmp_path):
    """A folder with a picture, another below, and one file that is none."""
    rng = np.random.default_rng(0)
    folder = tmp_path / 'in'
    (folder / 'below').mkdir(parents=True)
    for name in ('a.png', 'below/a.png'):
        picture = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), picture)
    (folder / 'bad.jpg').write_bytes(b'no picture')
    return folder
