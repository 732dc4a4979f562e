import json
import os
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'pip', 'wheel', str(ROOT), '--no-deps']
    command += ['--no-build-isolation', '-w', str(folder), '-q']
    subprocess.run(command, check=True, cwd=folder)
    (path,) = folder.glob('*.whl')
    return path


@pytest.mark.slow
def test_wheel_has_the_data_and_leaves_mmcv_alone(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        (metadata,) = (n for n in names if n.endswith('METADATA'))
        lines = file.read(metadata).decode().splitlines()
    for name in (
        'clip/face_tiny/face-tiny.json',
        'clip/face_tiny/face-tiny.safetensors',
        'prompts/expressions.json',
        'report/templates/sections/results.html',
        'py.typed',
        '.mim/model-index.yml',
    ):
        assert f'mpafer_plugin/{name}' in names
    shipped = [*ROOT.glob('configs/**/*.*'), *ROOT.glob('tools/*.*')]
    for path in shipped:
        if path.suffix in ('.py', '.yaml', '.yml', '.sh'):
            name = path.relative_to(ROOT).as_posix()
            assert f'mpafer_plugin/.mim/{name}' in names
    assert not [n for n in names if 'pretraining' in n or n.endswith('.pyc')]
    # The full mmcv and mmcv-lite share one import name: neither is required.
    required = [line for line in lines if line.startswith('Requires-Dist')]
    mmcv = [line for line in required if 'mmcv' in line]
    assert mmcv and all(
        "extra == 'lite'" in line.replace('"', "'") for line in mmcv
    )
    assert not any('==' in line.split(';')[0] for line in required)


@pytest.mark.slow
def test_commands_of_the_wheel_in_an_empty_folder(wheel, tmp_path):
    """Configs, weights and descriptions come from the wheel alone."""
    site, folder = tmp_path / 'site', tmp_path / 'empty'
    folder.mkdir()
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)

    def mpafer(*args):
        # Safe path: the folder itself is not searched for modules.
        return subprocess.run(
            [sys.executable, '-P', '-m', 'mpafer_plugin', *args],
            cwd=folder,
            env=os.environ | dict(PYTHONPATH=str(site), PYTHONSAFEPATH='1'),
            capture_output=True,
            text=True,
        )

    config = 'mpafer_plugin::mpafer_quickstart.py'
    small = (
        'train_cfg.max_epochs=1',
        'train_dataloader.dataset.subset.per_class=2',
        'val_dataloader.dataset.subset.per_class=2',
    )
    done = mpafer('train', config, '--cfg-options', *small)
    assert done.returncode == 0, done.stderr
    run = folder / 'work_dirs' / 'mpafer_quickstart'
    (best,) = run.glob('best_*.pth')
    image = next((folder / 'data').rglob('test_*.jpg'))
    args = str(image), '--weights', str(best), '--face', 'none', '--json'
    done = mpafer('predict', *args, '--out', 'results')
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((folder / 'results/predictions.json').read_text())
    assert entry['path'] == str(image)
    done = mpafer('train', 'configs/mpafer_quickstart.py')
    assert done.returncode == 2
    assert config in done.stderr  # what was meant


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
