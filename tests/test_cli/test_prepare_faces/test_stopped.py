"""Interrupted or killed, the tool goes on."""

import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mpafer_plugin.datasets import FERFolder
from mpafer_plugin.faces import read_image
from tests.test_cli.test_prepare_faces.report import report


@pytest.fixture
def many(source):
    """Images enough to be interrupted at."""
    content = (source / 'train/sad/six.JPG').read_bytes()
    for i in range(300):
        (source / f'train/happy/more{i:03}.jpg').write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('kind', 'jobs'),
    list(itertools.product((signal.SIGINT, signal.SIGTERM), (1, 2))),
)
def test_interrupted(command, run, source, many, tmp_path, kind, jobs):
    target = tmp_path / 'dst'
    process = subprocess.Popen(
        [*command, f'--jobs={jobs}'],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background job ignores Ctrl-C, and so would its child
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: len(list(target.rglob('*.jpg'))) > 10)
    # as a terminal does it: to all processes
    os.killpg(process.pid, kind)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert 'the same command' in errors
    assert 'Traceback' not in errors
    crops = list(target.rglob('*.jpg'))
    assert 10 < len(crops) < 300
    assert not list(target.rglob('.*'))
    for path in crops:
        assert read_image(path).shape == (224, 224, 3)
    with pytest.raises(ValueError, match='not all faces are cut out yet'):
        FERFolder(str(target))
    for i in range(20, 300):
        (source / f'train/happy/more{i:03}.jpg').unlink()
    assert run()[0] == 1  # only for the one unreadable
    assert len(report(target)) == 29


@pytest.mark.slow
def test_a_killed_worker_ends_the_run(command, many, tmp_path):
    process = subprocess.Popen(
        [*command, '--jobs=2'], stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(list((tmp_path / 'dst').rglob('*.jpg'))) > 10)
    workers = [
        int(entry.name)
        for entry in Path('/proc').iterdir()
        if entry.name.isdigit() and is_worker(entry, process.pid)
    ]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert 'a process was killed' in errors
    assert 'Traceback' not in errors


def is_worker(entry, parent):
    try:
        words = (entry / 'cmdline').read_bytes()
        stat = (entry / 'stat').read_text()
    except OSError:
        return False
    own_parent = int(stat.rpartition(')')[2].split()[1])
    return own_parent == parent and b'spawn_main' in words


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
