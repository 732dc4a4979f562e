"""Small versions of the long runs of docs/long_runs.md."""

import csv
import json
import os
import subprocess
import sys
import threading

import pytest
import torch

from tests.conftest import ROOT
from tests.test_faces.conftest import yunet_file  # noqa: F401


@pytest.fixture
def soak(monkeypatch, tmp_path):
    """Function that runs the tool and returns its result."""
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarks.soak import main

    def run(command, *options):
        out = tmp_path / command
        code = main([command, '--out', str(out), *map(str, options)])
        with open(out / 'usage.csv', newline='') as file:
            rows = list(csv.DictReader(file))
        assert (out / 'usage.png').stat().st_size > 5000
        return code, json.loads((out / 'result.json').read_text()), rows

    return run


def test_an_inferencer_leaves_nothing(soak, yunet_file):  # noqa: F811
    code, result, rows = soak(
        'predict', '--frames', 90, '--images', 5, '--face-model', yunet_file
    )
    assert result['faces'] == result['frames'] == 90
    assert (result['threads'], result['images']) == (8, 5)
    assert (result['different'], result['left'], code) == ([], [], 0)
    assert [int(row['step']) for row in rows] == [0, 90]


@pytest.mark.slow
def test_an_interrupted_run_is_the_same(soak):
    """In processes of its own, as users train."""
    _, result, rows = soak(
        'train',
        *('--iterations', 40, '--validations', 2, '--signals', 1),
        *('--every', 10, '--seed', 12, '--period', 0.2),
    )
    assert result['validations'] == 2
    assert result['signals'] == dict(SIGTERM=0, SIGKILL=1)
    assert (result['different'], result['left']) == ([], [])
    starts = {(row['run'], row['start']) for row in rows}
    assert len(starts) == 3


def test_usage(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarks.process_usage import usage_of

    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'b').write_bytes(bytes(2**19))
    before = usage_of(os.getpid(), tmp_path)
    assert before.rss_mb > 50
    assert (before.folder_files, before.folder_mb) == (1, 0.5)
    block = bytearray(b'x' * 2**25)
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    child = subprocess.Popen(
        [sys.executable, '-c', 'print("ready", flush=True); input()'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()
    with open(tmp_path / 'a' / 'b'):
        after = usage_of(os.getpid())
    ended.set()
    child.communicate(b'\n')
    thread.join()
    assert after.rss_mb - before.rss_mb > 0.9 * len(block) / 2**20
    assert after.workers_mb > before.workers_mb
    # The thread and the child; the file, two pipes and three of the child.
    assert after.threads - before.threads == 2
    assert after.files - before.files >= 6


def test_differences(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarks.work_dirs import differences

    nan, one = float('nan'), torch.ones(1)
    ours = dict(a=[1, nan], b=(one, 'x'), c=one, d=1)
    assert differences(ours, dict(a=[1, nan], b=(one, 'x'), c=one, d=1)) == []
    theirs = dict(a=[1, 2.0], b=(one, 'y'), c=one + 1e-7, e=[])
    assert differences(ours, theirs) == ['/a/1', '/b/1', '/c', '/d', '/e']


def test_the_last_iteration(monkeypatch, tmp_path):
    """Of the newest start that has one, beside a line that was cut."""
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarks.work_dirs import last_iteration, scalars_of

    assert last_iteration(tmp_path) == 0
    lines = '{"loss": 1, "iter": %d, "step": %d, "time": 2}\n'
    for number, text in enumerate(
        [lines % (5, 5), lines % (3, 3) + '{"val": 4, "step": 1}\n{"los', '']
    ):
        log = tmp_path / str(number) / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(text)
    assert last_iteration(tmp_path) == 3
    found = scalars_of(tmp_path)
    assert set(found) == {('train', 5), ('train', 3), ('val', 1)}
    assert found['train', 5] == dict(loss=1, iter=5, step=5)
