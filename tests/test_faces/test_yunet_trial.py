import numpy as np
import pytest

from mpafer_plugin.faces import YuNet, yunet_trial
from mpafer_plugin.faces.yunet_trial import try_out


@pytest.mark.parametrize(
    'line, message',
    [
        ('os.abort()', 'exit code -6, no message'),
        ('sys.exit("shape [3]")', r'exit code 1, shape \[3\]'),
        ('time.sleep(60)', 'more than 1 s'),
    ],
)
def test_a_process_that_fails(line, message, tmp_path, monkeypatch):
    script = tmp_path / 'trial.py'
    script.write_text(f'import os, sys, time\n{line}\n')
    monkeypatch.setattr(yunet_trial, '__file__', str(script))
    monkeypatch.setattr(yunet_trial, 'SECONDS', 1)
    with pytest.raises(ValueError, match=f"'a.onnx' is no .*{message}"):
        try_out('a.onnx', line)


def test_another_version_runs(yunet_file, tmp_path):
    other = tmp_path / 'other.onnx'
    # A field that no program knows: the same model, another digest.
    other.write_bytes(yunet_file.read_bytes() + b'\xf8\x07\x01')
    assert YuNet(other).digest != YuNet(yunet_file).digest


def test_boxes_that_are_empty_name_the_file(yunet_file, monkeypatch):
    row = np.r_[5.0, 5, 0, 10, np.ones(10), 0.9][None]
    detector = YuNet(yunet_file)
    monkeypatch.setattr(detector, '_detect_at', lambda *args: row)
    with pytest.raises(ValueError, match=rf'{yunet_file.name}.* is empty'):
        detector.detect(np.zeros((64, 64, 3), np.uint8))
