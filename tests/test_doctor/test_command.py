"""The command line, each command in its own process."""

import os
import subprocess
import sys

import pytest

from mpafer_plugin.doctor.report import MODULES, Trial, import_all
from tests.conftest import ROOT

DOCTOR = ['-m', 'mpafer_plugin', 'doctor']


def python(folder, *arguments, **variables):
    """Run Python in ``folder``, where modules are looked for first."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith('MPAFER_')
    }
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, 'PYTHONPATH': path, **variables},
        capture_output=True,
        text=True,
    )


def test_nothing_of_the_stack_is_imported(tmp_path):
    """Any import would end the process, as it does in the trial."""
    for name in ('numpy', 'rich', 'open_clip', *MODULES[:-1]):
        (tmp_path / f'{name.partition(".")[0]}.py').write_text(
            'import os; os._exit(3)'
        )
    result = python(tmp_path, *DOCTOR, MPAFER_DATA='nowhere')
    assert result.returncode == 1
    assert result.stderr == ''
    assert '     type: unset MPAFER_DATA\n' in result.stdout
    assert 'import torch: the process ended with code 3' in result.stdout
    assert result.stdout.splitlines()[-1].startswith('2 problems.')


def test_this_environment_is_good(tmp_path):
    """The doctor's own process must not import the stack."""
    (tmp_path / 'sitecustomize.py').write_text(
        'import atexit, sys\n'
        'if sys.orig_argv[-1] == "doctor":\n'
        '    names = "torch mmpretrain mmengine mmcv numpy rich cv2"\n'
        '    atexit.register(lambda: print([\n'
        '        name for name in names.split() if name in sys.modules]))\n'
    )
    result = python(tmp_path, *DOCTOR)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ''
    *_, closing, imported = result.stdout.splitlines()
    assert closing == 'No problem found.'
    assert imported == '[]'
    assert '    mpafer_plugin: fine' in result.stdout


def test_without_a_command_it_lists_them():
    result = python(ROOT, '-m', 'mpafer_plugin')
    assert result.returncode == 0
    assert 'doctor' in result.stdout


def test_importing_registers():
    result = python(
        ROOT,
        '-c',
        'import mpafer_plugin; from mmpretrain.registry import MODELS; '
        'assert MODELS.get("PromptedCLIPViT"); mpafer_plugin.datasets',
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    'arguments',
    [
        ['-m', 'run_it'],
        ['-mrun_it', 'mpafer_plugin'],
        ['-m', 'run_it', '-m', 'mpafer_plugin'],
        ['run_it.py', '-m', 'mpafer_plugin'],
        ['-c', 'import mpafer_plugin', '-m', 'mpafer_plugin'],
        ['-m', 'mpafer_plugin.version'],
    ],
)
def test_every_other_line_registers(tmp_path, arguments):
    """The warning shows that registration was tried."""
    (tmp_path / 'torch.py').write_text('raise RuntimeError("imported")')
    (tmp_path / 'run_it.py').write_text('import mpafer_plugin')
    result = python(tmp_path, *arguments)
    assert result.returncode == 0, result.stderr
    assert 'could not register its parts: RuntimeError' in result.stderr


@pytest.mark.parametrize(
    'options',
    [
        ['-m', 'mpafer_plugin'],
        ['-mmpafer_plugin'],
        ['-Bmmpafer_plugin'],
        ['-X', 'dev', '-m', 'mpafer_plugin'],
    ],
)
def test_the_command_line_does_not(tmp_path, options):
    (tmp_path / 'torch.py').write_text('raise RuntimeError("imported")')
    result = python(tmp_path, *options, 'doctor', '--help')
    assert result.returncode == 0
    assert 'usage: mpafer doctor' in result.stdout
    assert result.stderr == ''


@pytest.mark.parametrize(
    'module, error, text',
    [
        ('torchvision', 'RuntimeError("no nms")', 'RuntimeError: no nms.'),
        ('mmpretrain', 'AssertionError("MMCV==3")', 'AssertionError: MMCV==3'),
        ('cv2', 'ImportError("libGL.so.1: gone")', ': libGL.so.1: gone.'),
    ],
)
def test_any_error_of_the_host(tmp_path, module, error, text):
    (tmp_path / f'{module}.py').write_text(f'raise {error}')
    result = python(
        tmp_path, '-c', 'import mpafer_plugin as m; m.__version__; m.models'
    )
    assert result.returncode == 1
    warning, last = (
        result.stderr.splitlines()[0],
        result.stderr.splitlines()[-1],
    )
    assert last.startswith('ImportError: mpafer_plugin could not register')
    for line in (warning, last):
        assert text in line
        assert line.endswith('mpafer doctor')
    assert 'The above exception was the direct cause' in result.stderr


def test_a_trial_ends_in_time(tmp_path, monkeypatch):
    (tmp_path / 'torch.py').write_text('import time; time.sleep(60)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    assert import_all(seconds=2) == Trial((), 'torch', 'not done after 2 s')


def test_a_trial_reports_the_last_line(tmp_path, monkeypatch):
    (tmp_path / 'torch.py').write_text('print("@done or not")')
    (tmp_path / 'torchvision.py').write_text('raise KeyError("much\\n\u00fc")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    outcome = import_all()
    assert outcome.imported == ('torch',)
    assert outcome.failed == 'torchvision'
    assert outcome.error.startswith('KeyError: ')
    assert outcome.untried == MODULES[2:]
