import importlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from mpafer_plugin.datasets import RAFDB, SyntheticFaces
from tests import small_data
from tests.conftest import CONFIGS, ROOT

TOOL = ROOT / 'tools' / 'verify_dataset.py'
TRAIN = 'basic/Image/aligned/train_{:05}_aligned.jpg'
TEST = 'basic/Image/aligned/test_{:04}_aligned.jpg'


@pytest.fixture
def root(tmp_path, monkeypatch):
    """RAF-DB's folder, in the folder that configs look in."""
    monkeypatch.setenv('MPAFER_DATA', str(tmp_path))
    small_data.rafdb(tmp_path)
    return tmp_path / 'rafdb'


@pytest.fixture
def run(run_tool):
    """Function that runs the tool with a config."""
    return lambda config, *args: run_tool(TOOL, CONFIGS / config, *args)


def test_command(root, tmp_path):
    (root / TRAIN.format(5)).unlink()
    (root / TRAIN.format(6)).write_bytes(b'')
    shutil.copyfile(root / TRAIN.format(2), root / TEST.format(2))
    shutil.copyfile(root / TRAIN.format(3), root / TEST.format(4))
    result = subprocess.run(
        [
            sys.executable,
            str(TOOL),
            str(CONFIGS / 'mpafer_rafdb.py'),
            '--out=report.json',
            '--leaks=leaks.txt',
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1, result.stderr
    assert 'Traceback' not in result.stderr
    for line in (
        'train: 77 images',
        'WRONG: the counts are not the published ones',
        'WRONG: 1 files missing',
        'WRONG: 1 files unreadable',
        f'list_patition_label.txt:6: {TRAIN.format(6)}: the file is empty',
        '2 groups of images with the same pixels, 2 of them across splits, '
        '1 with contradicting labels',
        f'{TRAIN.format(3)} (happiness) = {TEST.format(4)} (sadness)',
        '2 test images are, or have a copy, in another split',
    ):
        assert line in result.stdout
    report = json.loads((tmp_path / 'report.json').read_text())
    (missing,) = report['parts'][0]['missing']
    assert missing['path'] == TRAIN.format(5)
    assert missing['where'].endswith('list_patition_label.txt:5')
    comment, *leaks = (tmp_path / 'leaks.txt').read_text().splitlines()
    assert comment.startswith('# Test images of mpafer_rafdb.py')
    assert leaks == report['leaks'] == [TEST.format(2), TEST.format(4)]

    listed = str(tmp_path / 'leaks.txt')
    whole = RAFDB(str(root), 'test')
    assert (len(whole), len(RAFDB(str(root), 'test', leave_out=listed))) == (
        28,
        26,
    )


def test_list_of_missing_images(root, run, tmp_path):
    (root / TRAIN.format(5)).unlink()
    (root / TEST.format(1)).write_bytes(b'')
    code, printed = run('mpafer_rafdb.py', '--missing', 'missing.txt')
    assert code == 1
    comment, *listed = (tmp_path / 'missing.txt').read_text().splitlines()
    assert f'missing.txt, {len(listed)} paths' in printed.out
    assert comment.startswith('# Images of mpafer_rafdb.py that are missing')
    assert listed == [TRAIN.format(5), TEST.format(1)]
    with pytest.raises(FileNotFoundError, match='1 of 84'):
        RAFDB(str(root))
    leave_out = str(tmp_path / 'missing.txt')
    assert len(RAFDB(str(root), val_fraction=0, leave_out=leave_out)) == 83
    options = [
        f'{split}_dataloader.dataset.leave_out={leave_out}'
        for split in ('train', 'val', 'test')
    ]
    _, printed = run('mpafer_rafdb.py', '--cfg-options', *options)
    assert printed.out.count('0 files missing') == 2
    assert printed.out.count('0 files unreadable') == 2


def test_file_names_that_are_not_utf8(run, tmp_path):
    name = os.fsdecode(b'sad/caf\xe9.jpg')
    (tmp_path / 'own/sad').mkdir(parents=True)
    (tmp_path / 'own' / name).write_bytes(b'')
    config = tmp_path / 'own.py'
    config.write_text("""
own = dict(type='FERFolder', data_root='own', val_fraction=0)
train_dataloader = dict(dataset=own)
""")
    code, printed = run(config, '--missing', 'm.txt', '--out', 'r.json')
    assert code == 1
    assert 'sad/caf\\udce9.jpg: the file is empty' in printed.out
    assert (tmp_path / 'm.txt').read_bytes().endswith(b'\nsad/caf\xe9.jpg\n')
    (part,) = json.loads((tmp_path / 'r.json').read_text())['parts']
    assert part['unreadable'][0]['path'] == name


def test_persons_in_two_splits(run, tmp_path):
    people = ('train', 'A'), ('test', 'A'), ('train', 'B')
    rows = ['path,label,split,subject']
    for i, (split, person) in enumerate(people):
        rows.append(f'{i}.jpg,sad,{split},{person}')
    (tmp_path / 'own').mkdir()
    (tmp_path / 'own/labels.csv').write_text('\n'.join(rows))
    config = tmp_path / 'own.py'
    config.write_text("""
own = dict(type='FERCsv', data_root='own', val_fraction=0)
train_dataloader = dict(dataset=own)
test_dataloader = dict(dataset=dict(own, split='test'))
""")
    _, printed = run(config)
    assert '1 persons (or clips) are in more than one split, such as A' in (
        printed.out
    )


def test_all_is_well(run, tmp_path, monkeypatch):
    monkeypatch.setenv('MPAFER_DATA', str(tmp_path))
    small = dict(num_train=56, num_test=28)
    faces = tmp_path / 'synthetic_faces'
    SyntheticFaces(str(faces), 'test', **small)
    options = [
        f'{split}_dataloader.dataset.{name}={number}'
        for split in ('train', 'val', 'test')
        for name, number in small.items()
    ]
    # duplicates alone change nothing
    shutil.copyfile(faces / TRAIN.format(1), faces / TRAIN.format(2))
    code, printed = run('mpafer_quickstart.py', '--cfg-options', *options)
    assert code == 0, printed.out
    assert 'WRONG' not in printed.out
    assert '1 groups of images with the same pixels' in printed.out
    assert '0 files missing' in printed.out
    assert '56 of 100 x 100' in printed.out


def test_wrong_annotations(root, run):
    labels = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    labels.write_text('train_00001.jpg 9\n')
    code, printed = run('mpafer_rafdb.py')
    assert code == 1
    assert 'WRONG: ' in printed.out
    assert "list_patition_label.txt:1: unknown label '9'" in printed.out


def test_leaks_are_not_told_of_what_could_not_be_read(root, run, tmp_path):
    labels = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    labels.write_text('train_00001.jpg 9\n')
    leaks = tmp_path / 'leaks.txt'
    code, printed = run('mpafer_rafdb.py', '--leaks', str(leaks))
    assert code == 1
    assert 'skipped: the annotations have errors' in printed.out
    assert not leaks.exists()


@pytest.mark.parametrize(
    'args, message',
    [
        (['--out', 'report.txt'], "'report.txt': must end in .json"),
        (['--leaks', 'nowhere/leaks.txt'], 'no folder nowhere'),
    ],
)
def test_wrong_arguments_are_told_first(root, run, args, message):
    code, printed = run('mpafer_rafdb.py', *args)
    assert code == 2
    assert message in printed.err


def test_other_data_sets(root, run):
    code, printed = run(
        'mpafer_rafdb.py',
        '--cfg-options',
        'val_dataloader.dataset.type=CIFAR10',
    )
    assert code == 2
    assert 'CIFAR10 is neither a dataset of facial expressions' in printed.err


def test_leaks_of_two_test_sets(root, run, tmp_path):
    config = tmp_path / 'two.py'
    config.write_text(f"""
_base_ = [{str(CONFIGS / 'mpafer_rafdb.py')!r}]
sets = [dict(type='RAFDB', data_root=r, split='test') for r in 'ab']
test_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=sets)
)
""")
    code, printed = run(config, '--leaks', 'leaks.txt')
    assert code == 2
    assert "the config has ['a', 'b']" in printed.err
    assert not (tmp_path / 'leaks.txt').exists()


def test_interrupted(root, run, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    module = importlib.import_module(
        'mpafer_plugin.datasets.verification.verify'
    )
    monkeypatch.setattr(module, 'track', interrupt)
    code, printed = run('mpafer_rafdb.py')
    assert code == 130
    assert printed.err == 'interrupted\n'
