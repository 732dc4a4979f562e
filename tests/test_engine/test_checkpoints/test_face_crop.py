import shutil
from pathlib import Path

import pytest
import torch

from mpafer_plugin.faces import FaceCrop
from tests import small_data
from tests.test_datasets.test_face_crop import state

SMALL = FaceCrop(size=40).to_dict()


@pytest.fixture
def data(tmp_path):
    """RAF-DB's folder as prepared, and the variable that names it."""
    small_data.rafdb(tmp_path / 'data')
    state(tmp_path / 'data/rafdb', FaceCrop(size=40))
    return dict(MPAFER_DATA=str(tmp_path / 'data'))


@pytest.fixture
def checkpoint(build_runner, data):
    """A checkpoint that was trained on these crops."""
    runner = build_runner(environment=data)
    runner.train()
    return Path(runner.work_dir) / 'epoch_1.pth'


@pytest.mark.parametrize('released', [False, True])
def test_checkpoints_hold_the_crop(build_runner, data, released):
    runner = build_runner(environment={} if released else data)
    runner.train()
    path = Path(runner.work_dir) / 'epoch_1.pth'
    best = Path(runner.work_dir) / 'best_fer_accuracy_epoch_1.pth'
    for file in (path, best):
        entry = torch.load(file)['mpafer']
        assert entry['face_crop'] == (None if released else SMALL)


def test_other_test_data_is_warned_of(
    build_runner, data, checkpoint, capfd, tmp_path
):
    load = dict(load_from=str(checkpoint))
    build_runner(environment=data, **load).test()
    out, err = capfd.readouterr()
    assert 'DIFFERENTLY' not in out + err
    state(tmp_path / 'data/rafdb', FaceCrop(size=80))
    build_runner(environment=data, **load).test()
    out, err = capfd.readouterr()
    assert (
        "DIFFERENTLY: the checkpoint has {'size': 40}, the test data "
        "{'size': 80}"
    ) in out + err
    build_runner(**load).test()  # as released
    out, err = capfd.readouterr()
    assert 'the test data as released' in out + err


def test_a_resumed_training_refuses_other_crops(
    build_runner, data, checkpoint, tmp_path
):
    options = dict(load_from=str(checkpoint), resume=True)
    options['train_cfg.max_epochs'] = 2
    state(tmp_path / 'data/rafdb', FaceCrop(size=40, margin=0.5))
    with pytest.raises(ValueError, match=r'0\.1}, the train data .*0\.5}'):
        build_runner(environment=data, **options).train()
    state(tmp_path / 'data/rafdb', FaceCrop(size=40))
    runner = build_runner(environment=data, **options)
    runner.train()
    assert runner.epoch == 2


def test_older_checkpoints_say_nothing(
    build_runner, data, checkpoint, capfd, tmp_path
):
    content = torch.load(checkpoint)
    del content['mpafer']['face_crop']
    torch.save(content, checkpoint)
    build_runner(environment=data, load_from=str(checkpoint)).test()
    out, err = capfd.readouterr()
    assert 'DIFFERENTLY' not in out + err


def test_validation_on_other_crops_is_warned_of(
    build_runner, data, capfd, tmp_path
):
    other = tmp_path / 'other'
    shutil.copytree(tmp_path / 'data/rafdb', other)
    state(other, FaceCrop(size=40, align=False))
    option = {'val_dataloader.dataset.data_root': str(other)}
    build_runner(environment=data, **option).train()
    out, err = capfd.readouterr()
    assert (
        "DIFFERENTLY: the training data has {'align': True}, the val data "
        "{'align': False}"
    ) in out + err
