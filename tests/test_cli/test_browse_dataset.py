import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests import small_data
from tests.conftest import CONFIGS, ROOT

TOOL = ROOT / 'tools' / 'browse_dataset.py'


@pytest.fixture
def run(run_tool, monkeypatch, data_root, tiny_arch, tiny_weights):
    """Function that runs the tool on small data, with a small model."""
    monkeypatch.setenv('MPAFER_DATA', str(data_root))
    monkeypatch.setenv('MPAFER_ARCH', tiny_arch)
    monkeypatch.setenv('MPAFER_CLIP', tiny_weights)
    return lambda config, *args: run_tool(TOOL, CONFIGS / config, *args)


def test_command(tmp_path, data_root, tiny_arch, tiny_weights):
    result = subprocess.run(
        [sys.executable, str(TOOL), str(CONFIGS / 'mpafer_rafdb.py')],
        cwd=tmp_path,
        env=os.environ
        | dict(
            MPAFER_DATA=str(data_root),
            MPAFER_ARCH=tiny_arch,
            MPAFER_CLIP=tiny_weights,
        ),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    folder = tmp_path / 'browse'
    names = {'train_images.png', 'classes.png'}
    assert {path.name for path in folder.iterdir()} == names
    for name in names:
        assert cv2.imread(str(folder / name)) is not None
    assert 'RAFDB train is not as published: neutral 12 of 2,524' in (
        result.stdout
    )


@pytest.fixture
def drawn(monkeypatch):
    """The cards and counts that are drawn, in place of images of them."""
    calls = {}
    for name in ('draw_contact_sheet', 'draw_class_histogram'):
        monkeypatch.setattr(
            f'mpafer_plugin.cli.browse_dataset.{name}',
            lambda *args, _name=name, **kwargs: calls.update({_name: args}),
        )
    return calls


def test_images_are_what_the_network_sees(run, drawn, data_root):
    code, _ = run('mpafer_rafdb.py', '--split', 'test', '--num', '9')
    assert code == 0
    cards, path, heads = drawn['draw_contact_sheet']
    assert path == os.path.join('browse', 'test_images.png')
    assert [card.label for card in cards] == [
        'neutral',
        'happiness',
        'sadness',
        'surprise',
        'fear',
        'disgust',
        'anger',
        'neutral',
        'happiness',
    ]
    aligned = data_root / 'rafdb' / 'basic' / 'Image' / 'aligned'
    for card in cards:
        assert len(card.images) == len(heads) == 3
        original, first, second = card.images
        bgr = cv2.imread(str(aligned / card.name))
        assert (original == bgr[..., ::-1]).all()
        resized = cv2.resize(bgr, (32, 32), interpolation=cv2.INTER_CUBIC)
        assert (first == resized[..., ::-1]).all()
        assert (first == second).all()  # nothing random in testing


def test_augmentation_is_drawn_by_the_seed(run, drawn):
    def images(seed):
        run('mpafer_rafdb.py', '--num', '2', '--seed', seed)
        return drawn['draw_contact_sheet'][0]

    once, again, other = images('1'), images('1'), images('2')
    assert [card.name for card in once] == [card.name for card in again]
    assert (once[0].images[1] == again[0].images[1]).all()
    assert (once[0].images[1] != once[0].images[2]).any()
    assert [card.name for card in once] != [card.name for card in other]


def test_file_names_that_are_not_utf8(run, tmp_path):
    image = cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / 'own/sad').mkdir(parents=True)
    path = tmp_path / 'own/sad' / os.fsdecode(b'caf\xe9.png')
    path.write_bytes(image)
    options = dict(type='FERFolder', data_root='own', val_fraction=0)
    code, _ = run(
        'mpafer_rafdb.py',
        '--cfg-options',
        *(f'train_dataloader.dataset.{k}={v}' for k, v in options.items()),
    )
    assert code == 0
    assert (tmp_path / 'browse/train_images.png').is_file()


def test_soft_targets_stand_below(run, drawn):
    code, _ = run(
        'mpafer_ferplus.py',
        '--cfg-options',
        'train_dataloader.dataset.label_rule=distribution',
    )
    assert code == 0
    card = drawn['draw_contact_sheet'][0][0]
    file, soft = card.name.split('\n')
    assert file.endswith('.png')
    assert soft == 'neutral\u00a01.00'


def test_counts_of_all_splits(run, drawn):
    run('mpafer_affectnet8.py')
    classes, counts, _ = drawn['draw_class_histogram']
    assert len(classes) == 8
    assert counts == {'train': [11] * 8, 'val': [1] * 8, 'test': [4] * 8}


def test_errors(run):
    code, printed = run(
        'mpafer_rafdb.py',
        '--cfg-options',
        'train_dataloader.dataset.data_root=nowhere',
    )
    assert code == 1
    assert "'nowhere' is no folder" in printed.err
    code, printed = run(
        'mpafer_rafdb.py',
        '--cfg-options',
        'train_dataloader.dataset.type=CIFAR10',
    )
    assert code == 2
    assert 'CIFAR10 is neither a dataset of facial expressions' in printed.err
    code, printed = run('mpafer_rafdb.py', '--num', '0')
    assert code == 2
    assert '--num must be above 0, not 0' in printed.err


def test_a_broken_image_is_named(run, monkeypatch, tmp_path):
    small_data.rafdb(tmp_path)
    monkeypatch.setenv('MPAFER_DATA', str(tmp_path))
    aligned = tmp_path / 'rafdb' / 'basic' / 'Image' / 'aligned'
    for path in aligned.glob('test_*.jpg'):
        path.write_bytes(b'')
    code, printed = run(
        'mpafer_rafdb.py',
        '--split=test',
        '--cfg-options',
        f'test_dataloader.dataset.data_root={tmp_path / "rafdb"}',
    )
    assert code == 1
    assert 'aligned/test_00' in printed.err
    assert 'mpafer verify-dataset CONFIG lists all' in printed.err
