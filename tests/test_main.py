import argparse
import os
import subprocess
import sys

import pytest

from mpafer_plugin.__main__ import COMMANDS, main
from mpafer_plugin.cli.config_args import config_file
from tests.conftest import CONFIGS


def test_help_lists_the_commands(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith('  ')]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize('command', COMMANDS)
def test_help_of_a_command(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, '--help'])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: mpafer {command} ')


def test_an_unknown_command(capsys):
    assert main(['trian']) == 2
    error = capsys.readouterr().err
    assert "'trian'" in error and 'train' in error


def test_a_command_that_does_not_import(monkeypatch, capsys):
    monkeypatch.setitem(COMMANDS, 'train', ('cli.no_such_module', ''))
    assert main(['train']) == 1
    error = capsys.readouterr().err
    assert 'no_such_module' in error and 'mpafer doctor' in error


def test_configs_by_path_and_by_name(tmp_path, monkeypatch):
    path = str(CONFIGS / 'mpafer_rafdb.py')
    assert config_file(path) == path
    monkeypatch.chdir(tmp_path)
    shipped = config_file('mpafer_plugin::ablations/no_local.py')
    with open(shipped) as file:
        assert file.read() == (CONFIGS / 'ablations/no_local.py').read_text()


@pytest.mark.parametrize(
    'name, said',
    [
        ('configs/mpafer_rafdb.py', 'mpafer_plugin::mpafer_rafdb.py'),
        ('no_local.py', 'mpafer_plugin::ablations/no_local.py'),
        ('mpafer_plugin::rafdb.py', 'mpafer_rafdb.py'),
        ('mpafer_plugin::no_local.py', 'mpafer_plugin::ablations/no_local.py'),
        ('nothing.py', 'working directory'),
        ('no_such_package::a.py', 'no_such_package'),
        ('', "''"),
    ],
)
def test_configs_that_are_not_there(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(argparse.ArgumentTypeError) as error:
        config_file(name)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, '10000'),
        ({'GOMP_SPINCOUNT': '5'}, '5'),
        ({'OMP_WAIT_POLICY': 'ACTIVE'}, 'None'),
    ],
)
def test_waiting_threads_spin_briefly(given, expected):
    """Before torch is imported, unless the user has decided."""
    code = (
        "import os, sys; sys.argv = ['mpafer', '--help']; "
        'import mpafer_plugin; '
        "print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"
    )
    names = 'GOMP_SPINCOUNT', 'OMP_WAIT_POLICY'
    environment = {k: v for k, v in os.environ.items() if k not in names}
    found = subprocess.run(
        [sys.executable, '-c', code],
        env=environment | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ['False', expected]
