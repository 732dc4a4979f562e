import argparse
import csv
import json
import signal

import cv2
import pytest
from mmengine.logging import MMLogger

from mpafer_plugin.cli.cross_validate import (
    dataset_keys,
    main,
    parse_args,
    plan,
    summarize,
    write,
)
from mpafer_plugin.cli.study.result import RESULT


def result(confusion, accuracy, uar):
    found = dict(
        accuracy=accuracy,
        uar=uar,
        macro_f1=50.0,
        classes=['fear', 'anger'],
        confusion=confusion,
    )
    return dict(best=found, last=found, val_accuracy=70.0, learnable=1)


# 3 of 4 and 1 of 4 right; together 4 of 8, recalls 3 of 5 and 1 of 3.
RESULTS = [
    result([[2, 1], [0, 1]], 75.0, 83.3333),
    result([[1, 1], [2, 0]], 25.0, 25.0),
]


def test_mean_spread_and_pooled_scores():
    text, pooled = summarize(RESULTS)
    assert pooled.tolist() == [[3, 2], [2, 1]]
    lines = [line.strip('| ').split(' | ') for line in text.splitlines()]
    assert lines[2][:3] == ['0', '4', '75.00']
    assert lines[4][2] == '50.00 ± 35.36'  # sample deviation of 75, 25
    assert lines[5][1:4] == ['8', '50.00', '46.67']  # (3/5 + 1/3) / 2


def test_files(tmp_path):
    write(RESULTS, tmp_path)
    with (tmp_path / 'folds.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [row['accuracy'] for row in rows] == ['75.0000', '25.0000']
    assert rows[0]['val_accuracy'] == '70.0000'
    assert 'fear,5,60.00' in (tmp_path / 'per_class.csv').read_text()
    assert cv2.imread(str(tmp_path / 'confusion_matrix.png')) is not None
    assert '± 35.36' in (tmp_path / 'folds.md').read_text()


def test_datasets_in_wrappers():
    inner = dict(type='RAFDB', data_root='a')
    wrapped = dict(
        type='RepeatDataset',
        dataset=dict(type='ConcatDataset', datasets=[inner, inner]),
    )
    keys = [key for key, _ in dataset_keys(wrapped, 'd')]
    assert keys == ['d.dataset.datasets.0', 'd.dataset.datasets.1']
    with pytest.raises(ValueError, match=r'x: a CIFAR10 has no folds'):
        list(dataset_keys(dict(type='CIFAR10'), 'x'))


def test_plan_shows_the_folds(load_config, tmp_path, capsys):
    cfg = load_config('mpafer_rafdb.py')
    cfg.dump(tmp_path / 'tiny.py')
    args = argparse.Namespace(
        config=str(tmp_path / 'tiny.py'),
        folds=4,
        cfg_options={'train_cfg.max_epochs': 2},
        amp=None,
        no_near_duplicates=False,
    )
    runs = plan(cfg, args)
    assert [run.recipe for run in runs] == [f'fold_{i}' for i in range(4)]
    assert runs[2].options == {
        'train_cfg.max_epochs': 2,
        **{
            f'{split}_dataloader.dataset.{name}': value
            for split in ('train', 'val', 'test')
            for name, value in (('folds', 4), ('fold', 2))
        },
    }
    assert len({run.name for run in runs}) == 4
    out = capsys.readouterr().out
    assert 'fold 3' in out and 'subject=PATTERN' in out
    assert '0 groups of images that look alike' in out
    args.folds = 100
    with pytest.raises(ValueError, match='only 84 images'):
        plan(cfg, args)


def test_persons_are_counted(load_config, tmp_path, capsys):
    cfg = load_config('mpafer_rafdb.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.subject = '([0-9]+)[0-9]_'
    args = argparse.Namespace(
        config='c.py',
        folds=2,
        cfg_options={},
        amp=None,
        no_near_duplicates=False,
    )
    assert len(plan(cfg, args)) == 2
    out = capsys.readouterr().out
    assert 'look alike' not in out
    assert '9 persons' in out and 'each in one fold: ' in out

    # Images would be dealt one by one in the test split alone.
    cfg.test_dataloader.dataset.subject = None
    message = r'\.subject is .*test_dataloader.dataset.subject is None'
    with pytest.raises(ValueError, match=message):
        plan(cfg, args)


def test_wrong_options(load_config, tmp_path, capsys):
    load_config('mpafer_rafdb.py').dump(tmp_path / 'tiny.py')
    with pytest.raises(SystemExit):
        parse_args([str(tmp_path / 'tiny.py'), '--folds', '1'])
    assert '--folds 1' in capsys.readouterr().err


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Run in a folder of its own; restore the logger and the signal."""
    monkeypatch.setattr(MMLogger, '_instance_dict', {})
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


def test_finished_folds_are_not_trained_again(
    load_config, elsewhere, tmp_path, capsys
):
    cfg = load_config('mpafer_rafdb.py')
    cfg.dump(tmp_path / 'tiny.py')
    args = parse_args(['tiny.py', '--folds', '2', '--out', 'out'])
    for run, found in zip(plan(cfg, args), RESULTS, strict=True):
        folder = tmp_path / 'out' / 'runs' / run.name
        folder.mkdir(parents=True)
        (folder / RESULT).write_text(json.dumps(found))
    assert main(['tiny.py', '--folds', '2', '--out', 'out']) == 0
    assert '50.00 ± 35.36' in capsys.readouterr().out


@pytest.mark.slow
def test_two_folds(load_config, elsewhere, tmp_path):
    load_config('mpafer_rafdb.py').dump(tmp_path / 'tiny.py')
    assert main(['tiny.py', '--folds', '2', '--out', 'out']) == 0
    with (tmp_path / 'out' / 'folds.csv').open() as file:
        images = [row['images'] for row in csv.DictReader(file)]
    assert images == ['42', '42']
