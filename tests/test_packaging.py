import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_wheel_has_the_data_and_leaves_mmcv_alone(tmp_path):
    command = [sys.executable, '-m', 'pip', 'wheel', str(ROOT), '--no-deps']
    command += ['--no-build-isolation', '-w', str(tmp_path), '-q']
    subprocess.run(command, check=True, cwd=tmp_path)
    (path,) = tmp_path.glob('*.whl')
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        (metadata,) = (n for n in names if n.endswith('METADATA'))
        lines = wheel.read(metadata).decode().splitlines()
    for name in (
        'clip/face_tiny/face-tiny.json',
        'clip/face_tiny/face-tiny.safetensors',
        'prompts/expressions.json',
        'py.typed',
    ):
        assert f'mpafer_plugin/{name}' in names
    # The full mmcv and mmcv-lite share one import name: neither is required.
    required = [line for line in lines if line.startswith('Requires-Dist')]
    mmcv = [line for line in required if 'mmcv' in line]
    assert mmcv and all(
        "extra == 'lite'" in line.replace('"', "'") for line in mmcv
    )
    assert not any('==' in line.split(';')[0] for line in required)


def test_without_the_host_the_message_says_what_to_type(tmp_path):
    """An environment where mmcv does not import."""
    (tmp_path / 'mmcv.py').write_text(
        "raise ModuleNotFoundError(\"No module named 'mmcv'\", name='mmcv')"
    )
    result = subprocess.run(
        [
            sys.executable,
            '-c',
            'import mpafer_plugin; mpafer_plugin.__version__; '
            'mpafer_plugin.models',
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "No module named 'mmcv'" in result.stderr
    assert 'pip install mmcv-lite' in result.stderr
    assert result.stderr.splitlines()[-1].startswith('ImportError')


def test_other_failures_are_told_as_they_are(tmp_path):
    """OpenCV without its system library, say."""
    (tmp_path / 'cv2.py').write_text("raise ImportError('libGL.so.1: gone')")
    result = subprocess.run(
        [sys.executable, '-c', 'import mpafer_plugin.version'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert 'could not register its parts: libGL.so.1: gone' in result.stderr
    assert 'pip install' not in result.stderr
