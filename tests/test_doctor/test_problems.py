import pytest

from mpafer_plugin.doctor import run
from mpafer_plugin.doctor.problems import PROBLEMS
from mpafer_plugin.doctor.report import MODULES, Trial
from tests.test_doctor.test_report import (
    BOTH_TORCHES,
    FORK,
    PIP,
    environment,
    findings,
)


@pytest.mark.parametrize(
    'fields, what, why, line',
    [
        (
            dict(python=(3, 10, 13)),
            'CPython 3.11 or newer is needed; this is cpython 3.10.13',
            'numpy',
            'python3.11 -m venv .venv && .venv/bin/python -m pip install -e '
            "'.[lite]'",
        ),
        (
            dict(changed={'mmcv-lite': None}),
            'mmcv is not installed',
            'the lite one',
            f'{PIP} install "mmcv-lite>=2.0.1,<2.3"',
        ),
        (
            dict(
                changed={'torch': None, 'torchvision': None, 'rich': None},
                command='/my envs/bin/python',
            ),
            'torch, torchvision, rich are not installed',
            'imports them',
            '\'/my envs/bin/python\' -m pip install "torch>=2.6" torchvision '
            '"rich>=13"',
        ),
        (
            dict(changed={'mmengine': '1.0.0'}),
            'mmengine 1.0.0 is not in the range >=0.10.4,<0.11',
            'mmpretrain 1.2.0 asserts mmengine >=0.8.3,<1.0.0',
            f'{PIP} install "mmengine>=0.10.4,<0.11"',
        ),
        (
            dict(changed={'mmcv-lite': None, 'mmcv': '1.7.2'}),
            'mmcv 1.7.2 is not in the range >=2.0.0,<2.4.0',
            'mmpretrain 1.2.0 asserts mmcv >=2.0.0,<2.4.0',
            f'{PIP} install "mmcv>=2.0.0,<2.4.0"',
        ),
        (
            dict(changed={'open_clip_torch': '2.32.0'}),
            'open_clip_torch 2.32.0 is not in the range >=3.2,<4',
            'requires >=3.2,<4 in its setup.py',
            f'{PIP} install "open_clip_torch>=3.2,<4"',
        ),
        (
            dict(changed={'torch': '2.5.1'}, requires='==2.5.1'),
            'torch 2.5.1 is not in the range >=2.6',
            'allow-list',
            f'{PIP} install "torch>=2.6"',
        ),
        (
            dict(changed={'mmcv': '2.2.0'}),
            'mmcv-lite 2.2.0 and mmcv 2.2.0 are installed together',
            'the same folder, mmcv',
            f'{PIP} uninstall -y mmcv-lite mmcv && '
            f'{PIP} install "mmcv-lite>=2.0.1,<2.3"',
        ),
        (
            dict(changed={'opencv-python-headless': '4.11.0.86'}),
            'opencv-python 4.12.0.88 and opencv-python-headless 4.11.0.86 '
            'are installed together',
            'the same folder, cv2',
            f'{PIP} uninstall -y opencv-python opencv-python-headless && '
            f'{PIP} install opencv-python',
        ),
        (
            dict(changed={'onedl-mmengine': '0.10.12'}),
            'their fork are installed together: mmengine 0.10.7, mmcv-lite '
            '2.2.0, mmpretrain 1.2.0 and onedl-mmengine 0.10.12',
            'the same import names',
            f'{PIP} uninstall -y mmengine mmcv-lite mmpretrain '
            f'onedl-mmengine && {PIP} install "mmengine>=0.10.4,<0.11" '
            '"mmcv-lite>=2.0.1,<2.3" "mmpretrain>=1.2.0,<1.3"',
        ),
        (
            dict(changed={'torch': '2.13.0+cu132'}),
            'torchvision 0.29.2 does not belong to torch 2.13.0',
            'it requires torch>=2.14.0',
            BOTH_TORCHES,
        ),
        (
            dict(requires='==2.14.1'),
            'torchvision 0.29.2 does not belong to torch 2.15.0',
            'it requires torch==2.14.1',
            BOTH_TORCHES,
        ),
        (
            dict(cuda='None', gpus=()),
            'torchvision 0.29.2 does not belong to torch 2.15.0 (CPU only)',
            'operator torchvision::nms does not exist',
            BOTH_TORCHES,
        ),
        (
            dict(cuda="'12.8'"),
            'torchvision 0.29.2 does not belong to torch 2.15.0 (CUDA 12.8)',
            'it is built for CUDA 13.2, torch for CUDA 12.8',
            BOTH_TORCHES,
        ),
        (
            dict(changed={'transformers': '5.2', 'pycocotools': '2.0.11'}),
            'transformers 5.2 and pycocotools 2.0.11 are installed together',
            'TypeError',
            f'{PIP} uninstall -y pycocotools',
        ),
        (
            dict(absent_libraries=('libGL.so.1',)),
            'libGL.so.1 cannot be loaded',
            'opencv-python 4.12.0.88 takes them from the system',
            'apt-get install libgl1 libglib2.0-0',
        ),
        (
            dict(variables={'MPAFER_DATA': 'no/such'}),
            "MPAFER_DATA is 'no/such', which does not exist",
            'the folder that holds the datasets',
            'unset MPAFER_DATA',
        ),
        (
            dict(variables={'MPAFER_CLIP': 'no/such.pt'}),
            "MPAFER_CLIP is 'no/such.pt', which does not exist",
            "the path of weights; not set, it is 'openai'",
            'unset MPAFER_CLIP',
        ),
        (
            dict(variables={'MPAFER_ARCH': 'such.json'}),
            "MPAFER_ARCH is 'such.json', which does not exist",
            'the path of its JSON file',
            'unset MPAFER_ARCH',
        ),
        (
            dict(variables={'MPAFER_ARCH': ''}),
            'MPAFER_ARCH is set, but empty',
            'KeyError',
            'unset MPAFER_ARCH',
        ),
    ],
)
def test_a_problem(tmp_path, capsys, fields, what, why, line):
    env = environment(tmp_path, **fields)
    (found,) = findings(PROBLEMS, env)
    assert what in found.what
    assert why in found.why
    assert found.remedy == line
    assert run(env, lambda: Trial(MODULES)) == 1
    output = capsys.readouterr().out.splitlines()
    assert f'     type: {line}' in output
    assert '1 problem. Fix' in output[-1]
    assert all(len(row) < 80 for row in output if 'type:' not in row)


@pytest.mark.parametrize(
    'fields',
    [
        dict(changed=FORK),
        dict(changed={**FORK, 'setuptools': '84', 'matplotlib': '3.11'}),
        dict(changed={'mmcv-lite': None, 'mmcv': '2.1.0'}),
        dict(changed={'transformers': '4.51.3', 'pycocotools': '2.0'}),
        dict(changed={'transformers': '5.2'}),
        dict(
            changed={'opencv-python': None, 'opencv-python-headless': '4.12'},
            absent_libraries=('libGL.so.1',),
        ),
        # What vendors and local builds call themselves.
        dict(changed={'torch': '2.14.0a0+nv25.10'}),
        dict(changed={'torch': '2.15.0+cu132'}, requires='==2.15.0'),
        dict(variables={'MPAFER_CLIP': 'openai', 'MPAFER_DATA': '/'}),
        dict(variables={'MPAFER_ARCH': 'ViT-B-32', 'MPAFER_CLIP': __file__}),
    ],
)
def test_no_problem(tmp_path, fields):
    assert not findings(PROBLEMS, environment(tmp_path, **fields))
