import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.conftest import ROOT

TOOL = ROOT / 'tools' / 'study.py'
STUDY = """
title: three recipes
config: configs/mpafer_rafdb.py
options:
  train_cfg.max_epochs: 2
  train_dataloader.num_workers: 0
  val_dataloader.num_workers: 0
  test_dataloader.num_workers: 0
  train_dataloader.dataset.subset.per_class: 4
  train_dataloader.dataset.subset.seed: '{seed}'
full:
  train_dataloader.dataset.subset.per_class: null
  train_dataloader.dataset.subset.seed: null
seeds: [0, 1]
recipes:
  zero-shot:
    config: configs/baselines/zero_shot.py
    search: {model.head.text.granularity: [1, mean]}
  linear-probe:
    config: configs/baselines/linear_probe.py
    search: {optim_wrapper.optimizer.lr: [0.001, 0.1]}
  mpafer: {}
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('study')


@pytest.fixture(scope='module')
def start(folder, tiny_arch, tiny_weights, data_root):
    environment = os.environ | dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
    )
    (folder / 'three.yaml').write_text(STUDY)

    def start(*args, study='three.yaml'):
        return subprocess.Popen(
            [sys.executable, str(TOOL), study, *args],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.fixture(scope='module')
def done(start, folder):
    """Output of a study that was interrupted and then resumed."""
    process = start('--jobs', '2')
    runs = folder / 'work_dirs/studies/three/runs'
    end = time.monotonic() + 300
    while not list(runs.rglob('result.json')):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    # Not SIGINT, which a shell's background jobs ignore. To the whole group,
    # as a terminal does: only the tool asks the runs to stop.
    os.killpg(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert 'interrupted' in errors
    assert 'Traceback' not in errors
    kept = {path: path.stat().st_mtime_ns for path in results(folder)}
    process = start('--jobs', '2')
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert all(path.stat().st_mtime_ns == t for path, t in kept.items())
    return output


def results(folder):
    return list(folder.glob('work_dirs/studies/three/runs/*/*/result.json'))


# One process makes what the tests share.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('study')]


def test_table(done, folder):
    out = folder / 'work_dirs/studies/three'
    with (out / 'table.csv').open() as file:
        rows = {row['recipe']: row for row in csv.DictReader(file)}
    assert list(rows) == ['zero-shot', 'linear-probe', 'mpafer']
    assert list(rows['mpafer']) == [
        'recipe',
        'accuracy_mean',
        'accuracy_std',
        'uar_mean',
        'uar_std',
        'macro_f1_mean',
        'seeds',
        'learnable',
        'step_seconds',
    ]
    assert rows['zero-shot']['learnable'] == '0'
    assert float(rows['zero-shot']['accuracy_std']) == 0
    assert rows['zero-shot']['step_seconds'] == ''
    assert rows['linear-probe']['learnable'] == str(12 * 7 + 7)
    # prompts of two layers of 16 channels, and the context
    assert rows['mpafer']['learnable'] == str(2 * 8 * 16 + 10 * 16)
    assert float(rows['mpafer']['step_seconds']) > 0
    text = (out / 'table.md').read_text()
    assert 'mpafer' in done and 'plot.png' in done
    assert '| linear-probe | ' in text
    assert (out / 'plot.png').read_bytes().startswith(b'\x89PNG')


def test_searches_select_on_validation(done, folder):
    runs = folder / 'work_dirs/studies/three/runs'
    trials = {}
    for path in runs.glob('linear-probe/*_seed0/result.json'):
        (config,) = path.parent.glob('linear_probe.py')
        rate = 0.1 if 'lr=0.1' in config.read_text() else 0.001
        trials[rate] = json.loads(path.read_text())
    assert set(trials) == {0.1, 0.001}
    # the first on ties
    rates = [0.001, 0.1]
    best = max(rates, key=lambda rate: trials[rate]['val_accuracy'])
    found = json.loads((runs.parent / 'runs.json').read_text())
    (row,) = (row for row in found if row['recipe'] == 'linear-probe')
    assert row['chosen'] == {'optim_wrapper.optimizer.lr': best}
    assert row['results'][0] == trials[best]
    # two trials, one of which is also the run of the first seed
    assert len(list(runs.glob('linear-probe/*/result.json'))) == 3


def test_result_of_a_run(done, folder):
    (path,) = folder.glob(
        'work_dirs/studies/three/runs/mpafer/*_seed1/result.json'
    )
    found = json.loads(path.read_text())
    for epoch in ('best', 'last'):
        for metric in ('accuracy', 'uar', 'macro_f1'):
            assert 0 <= found[epoch][metric] <= 100
        confusion = np.array(found[epoch]['confusion'])
        assert confusion.shape == (len(found[epoch]['classes']),) * 2
        right = 100 * confusion.trace() / confusion.sum()
        assert found[epoch]['accuracy'] == pytest.approx(right)
    assert found['train_seconds'] > found['step_seconds'] > 0
    assert found['memory_mib'] > 50
    log = (path.parent / 'output.txt').read_text()
    assert 'of these the subset per_class=4, seed=1' in log


def test_finished_runs_are_skipped(done, start, folder):
    table = folder / 'work_dirs/studies/three/table.csv'
    rows = table.read_text()
    before = {path: path.stat().st_mtime_ns for path in results(folder)}
    process = start('--only', 'mpafer')
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert 'linear-probe' in output  # finished, and kept in the table
    assert table.read_text() == rows
    after = {path: path.stat().st_mtime_ns for path in results(folder)}
    assert after == before


def test_failed_run(start, folder):
    text = STUDY.replace('max_epochs: 2', 'max_epochs: two')
    (folder / 'wrong.yaml').write_text(text)
    process = start('--only', 'mpafer', study='wrong.yaml')
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert 'ended with code 1' in errors
    assert 'output.txt' in errors


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('title: three recipes', '', "['title'] is missing"),
        ('seeds: [0, 1]', 'seeds: [3, 3]', 'seeds=[3, 3]'),
        ('seeds: [0, 1]', 'seeds: []', 'seeds=[]'),
        ('search: {op', 'serch: {op', "'linear-probe': ['serch'] is not amo"),
        ('linear_probe.py', 'linear.py', "no config 'configs/baselines/lin"),
    ],
)
def test_wrong_files(start, folder, old, new, message):
    assert old in STUDY
    (folder / 'wrong.yaml').write_text(STUDY.replace(old, new))
    process = start(study='wrong.yaml')
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert message in errors
    assert 'Traceback' not in errors


def test_full_without_full_settings(start, folder):
    text = STUDY[: STUDY.index('full:')] + STUDY[STUDY.index('seeds:') :]
    (folder / 'wrong.yaml').write_text(text)
    process = start('--full', study='wrong.yaml')
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert '--full' in errors and '`full`' in errors


def test_unknown_recipes(start):
    process = start('--only', 'mpafar')
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "['mpafar'] is not among ['zero-shot'," in errors
