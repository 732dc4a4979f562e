import csv
import json

import cv2
import numpy as np
import pytest

from mpafer_plugin.apis import frames
from mpafer_plugin.export.standalone import command


@pytest.fixture
def run(exported, tmp_path, monkeypatch, capfd):
    """Function that runs the command on whole images."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        try:
            args = [*map(str, args), '--face', 'none']
            code = command.main(exported / 'model.onnx', args)
        except SystemExit as error:  # argparse
            code = error.code
        return code, capfd.readouterr()

    return run


def test_a_camera_until_it_is_interrupted(run, monkeypatch):
    class Camera:
        """Three images, then Ctrl-C."""

        left = 3

        def __init__(self, source):
            assert source == 0

        def isOpened(self):
            return True

        def get(self, name):
            return 0

        def grab(self):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return True

        def retrieve(self):
            return True, np.zeros((40, 40, 3), np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(frames.cv2, 'VideoCapture', Camera)
    code, printed = run('0', '--out', 'out', '--json')
    assert code == 130
    assert printed.out.count('camera_0 0.') == 3
    with open('out/predictions.json') as file:
        found = json.load(file)
    assert [(x['path'], x['frame']) for x in found] == [
        ('camera_0', i) for i in range(3)
    ]


def test_tables(run):
    cv2.imwrite('a.png', np.zeros((40, 40, 3), np.uint8))
    code, printed = run('a.png', '--out', 'new/out', '--csv')
    assert code == 0
    assert printed.out.startswith('a.png: ')
    with open('new/out/predictions.csv', newline='') as file:
        (row,) = csv.DictReader(file)
    assert (row['path'], row['x2']) == ('a.png', '40.0')


def test_inputs_that_fail(run, tmp_path):
    (tmp_path / 'empty').mkdir()
    cv2.imwrite('a.png', np.zeros((40, 40, 3), np.uint8))
    code, printed = run('empty', 'absent.png', 'absent.mp4', 'a.png')
    assert code == 1
    for name in ("'empty'", "'absent.png'", "'absent.mp4'"):
        assert f'failed: {name}' in printed.err
    code, printed = run('absent.png')
    assert code == 2


@pytest.mark.parametrize(
    'options, reason',
    [
        (['--json'], '--out'),
        (['--out', 'out'], '--json'),
        (['--every', '0'], '--every 0'),
        (['--smoothing', '1'], '--smoothing 1'),
        (['--margin', '9'], 'margin=9.0'),
    ],
)
def test_options_that_are_refused(run, options, reason):
    code, printed = run('a.png', *options)
    assert code == 2
    assert reason in printed.err


def test_a_model_of_another_tool(tmp_path, yunet_file, capsys):
    assert command.main(yunet_file, ['a.png']) == 2
    assert 'not written by mpafer export' in capsys.readouterr().err
    assert command.main(tmp_path / 'model.onnx', ['a.png']) == 2
    assert "no file '" in capsys.readouterr().err
