import ast
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from mpafer_plugin.cli.predict.command import main as predict
from mpafer_plugin.export import folder as folder_module
from mpafer_plugin.export.folder import MODULES, PACKAGE, write_folder
from mpafer_plugin.faces.yunet_weights import YUNET_NAME
from tests.conftest import ROOT

FORBIDDEN = (
    'torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain', 'PIL', 'rich',
    'open_clip', 'matplotlib', 'pandas', 'filelock', 'onnx', 'mpafer_plugin',
)  # fmt: skip
HOOK = f"""
import runpy, sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {FORBIDDEN}:
            raise ImportError(f'{{name}} is forbidden')
sys.meta_path.insert(0, Forbid())
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition('/')[0])
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def run(python, exported, *args, cwd=None):
    """Run the script of an export without this package."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ('PYTHONPATH', 'MPAFER_YUNET')
    }
    return subprocess.run(
        [*python, str(exported / 'predict.py'), *map(str, args)],
        cwd=cwd,
        env=environment | dict(OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )


def check_same(found, expected):
    """Compare the JSON of two commands."""
    found, expected = (
        json.loads((path / 'predictions.json').read_text())
        for path in (found, expected)
    )
    assert [x['path'] for x in found] == [x['path'] for x in expected]
    assert sum(len(x['faces']) for x in found) > 20
    for image, other in zip(found, expected, strict=True):
        rest = image.keys() - {'faces'}
        assert {k: image[k] for k in rest} == {k: other[k] for k in rest}
        for face, same in zip(image['faces'], other['faces'], strict=True):
            assert list(face) == list(same)
            for key in ('bbox', 'face_score', 'landmarks', 'pred_class'):
                assert face[key] == same[key]
            np.testing.assert_allclose(
                face['pred_scores'], same['pred_scores'], atol=1e-3
            )


def expected_of(inputs, save, face_tiny, yunet_file, out):
    arguments = *inputs, '--out', out, '--json', '--smoothing', 0.5
    options = '--weights', save(face_tiny), '--dtype', 'float32'
    options = *options, '--face-model', yunet_file
    assert predict(list(map(str, [*arguments, *options]))) == 1  # bad.jpg


def test_the_same_json_without_torch(
    exported, inputs, save, face_tiny, yunet_file, tmp_path
):
    sources = inputs / 'images', inputs / 'video.avi'
    arguments = *sources, '--smoothing', 0.5, '--out', 'found', '--json'
    done = run(
        [sys.executable, '-c', HOOK], exported, *arguments, cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert 'bad.jpg' in done.stderr
    assert 'below/empty.bmp: no face' in done.stdout
    expected_of(sources, save, face_tiny, yunet_file, tmp_path / 'expected')
    check_same(tmp_path / 'found', tmp_path / 'expected')


@pytest.mark.slow
def test_in_a_fresh_environment(
    exported, inputs, save, face_tiny, yunet_file, tmp_path
):
    """With the three packages that it needs, and no other."""
    venv.create(tmp_path / 'env', with_pip=True)
    python = tmp_path / 'env' / 'bin' / 'python'
    pip = [str(python), '-m', 'pip', '--disable-pip-version-check', '-q']
    packages = 'numpy', 'opencv-python-headless', 'onnxruntime'
    subprocess.run([*pip, 'install', *packages], check=True)
    assert subprocess.run([python, '-c', 'import torch']).returncode
    for sources in (
        [inputs / 'images' / 'six.jpg'],
        [inputs / 'images'],
        [inputs / 'video.avi'],
    ):
        done = run([python], exported, *sources)
        assert done.returncode == (sources == [inputs / 'images']), done.stderr
    sources = inputs / 'images', inputs / 'video.avi'
    arguments = *sources, '--smoothing', 0.5, '--out', 'found', '--json'
    run([python], exported, *arguments, cwd=tmp_path)
    expected_of(sources, save, face_tiny, yunet_file, tmp_path / 'expected')
    check_same(tmp_path / 'found', tmp_path / 'expected')


def test_modules_import_little():
    """So that the folder needs nothing else, whatever is called."""
    allowed = {*sys.stdlib_module_names, 'numpy', 'cv2', 'onnxruntime'}
    for module in MODULES:
        tree = ast.parse((ROOT / 'mpafer_plugin' / module).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level:
                package = Path(module).parents[node.level - 1]
                name = f'{node.module.replace(".", "/")}.py'
                assert (package / name).as_posix() in MODULES
                continue
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            else:
                continue
            roots = {name.partition('.')[0] for name in names}
            assert roots <= allowed | {'pandas'}, module  # to_dataframe


def test_without_the_detector_it_says_so(tmp_path, monkeypatch, log):
    monkeypatch.setenv('MPAFER_YUNET', str(tmp_path / 'absent.onnx'))
    write_folder(tmp_path / 'out')
    assert '--face-model FILE' in log.text and 'absent.onnx' in log.text
    assert not (tmp_path / 'out' / YUNET_NAME).exists()
    assert (tmp_path / 'out' / PACKAGE / '__init__.py').is_file()
    with pytest.raises(FileNotFoundError, match=r'b\.onnx'):
        write_folder(tmp_path / 'out', 'b.onnx')


def test_another_python_is_told(tmp_path):
    (tmp_path / 'predict.py').write_text(folder_module.SCRIPT)
    code = (
        'import runpy, sys; sys.version_info = (3, 10)\n'
        f'runpy.run_path({str(tmp_path / "predict.py")!r})'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 1 and '3.11 or newer' in done.stderr
