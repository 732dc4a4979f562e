import runpy
import signal
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401

TOOL = ROOT / 'tools' / 'prepare_faces.py'


@pytest.fixture
def command(yunet_file, tmp_path):  # noqa: F811
    """The tool's command line, from `src` to `dst`."""
    return [
        sys.executable,
        str(TOOL),
        str(tmp_path / 'src'),
        str(tmp_path / 'dst'),
        f'--face-model={yunet_file.resolve()}',
    ]


@pytest.fixture
def source(tmp_path, real_faces, canvas):  # noqa: F811
    """A dataset: a face each, all six, none, and what is no image."""
    root = tmp_path / 'src'
    for i, face in enumerate(real_faces):
        folder = root / 'train' / ('happy' if i % 2 else 'sad')
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f'{i}.png'), cv2.resize(face, (96, 96)))
    cv2.imwrite(str(root / 'train/sad/six.JPG'), canvas[0])
    grey = np.full((90, 60, 3), 77, np.uint8)
    cv2.imwrite(str(root / 'train/sad/none.png'), grey)
    (root / 'train/sad/bad.png').write_bytes(b'no image')
    (root / 'list.txt').write_text('train/sad/none.png 4\n')
    return root


@pytest.fixture
def run(command, monkeypatch, capsys):
    """Function that runs the tool in this process, for speed."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(*options, folders=None):
        argv = [*(folders or command[2:4]), '--jobs=1', command[4], *options]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, argv)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    yield run
    signal.signal(signal.SIGTERM, handler)
