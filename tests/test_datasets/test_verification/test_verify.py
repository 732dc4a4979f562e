import shutil

import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets.verification.official_parts import read_parts
from mpafer_plugin.datasets.verification.verify import verify
from tests import small_data

TRAIN = 'basic/Image/aligned/train_{:05}_aligned.jpg'
TEST = 'basic/Image/aligned/test_{:04}_aligned.jpg'


@pytest.fixture
def root(tmp_path):
    small_data.rafdb(tmp_path)
    return tmp_path / 'rafdb'


def configs(root, **kwargs):
    splits = ('train', 'val', 'test')
    own = dict(type='RAFDB', data_root=str(root), **kwargs)
    return {split: dict(own, split=split) for split in splits}


def check(root):
    return verify(read_parts(configs(root)))


def test_splits_of_a_part_are_read_once(root, monkeypatch):
    from mpafer_plugin.datasets import RAFDB

    calls = []
    load = RAFDB.load_samples
    monkeypatch.setattr(
        RAFDB,
        'load_samples',
        lambda self: calls.append(self.split) or load(self),
    )
    train, test = check(root).parts
    assert calls == ['train', 'test']
    assert (train.name, test.name) == ('RAFDB train', 'RAFDB test')
    assert train.pictures == 84
    assert {s: f['pictures'] for s, f in train.splits.items()} == {
        'train': 77,
        'val': 7,
    }
    assert 'held out of' in train.splits['val']['rule']
    assert test.splits['test']['pictures'] == 28


def test_total_is_not_the_published_one(tmp_path):
    small_data.published(tmp_path)
    config = dict(type='JAFFE', data_root=str(tmp_path / 'jaffe'))
    report = verify(read_parts(dict(train=config)))
    (part,) = report.parts
    assert '84 images, but 213 were published' in part.unexpected_total
    assert not (part.missing or part.errors or report.ok)


def test_sizes_and_colours(root):
    grey = np.full((20, 30), 7, np.uint8)
    cv2.imwrite(str(root / TRAIN.format(1)), grey)
    cv2.imwrite(str(root / TRAIN.format(2)), cv2.merge([grey + 1] * 3))
    cv2.imwrite(str(root / TRAIN.format(3)), np.zeros((60, 70, 3), np.uint8))
    train, test = check(root).parts
    assert (train.grey, train.colour) == (3, 81)
    assert (test.grey, test.colour) == (0, 28)
    assert train.sizes['distinct'] == 3
    assert train.sizes['width'] == dict(min=30, median=40, max=70)
    assert train.sizes['height'] == dict(min=20, median=40, max=60)
    assert train.sizes['most_common'] == [
        ('40 x 40', 81),
        ('30 x 20', 2),
        ('70 x 60', 1),
    ]


def test_counts_are_compared(root, monkeypatch):
    train, test = check(root).parts
    assert not train.counts_agree
    assert not train.ok
    assert train.counts['fear'] == 12
    assert train.expected['fear'] == 281
    monkeypatch.setattr(
        'mpafer_plugin.datasets.RAFDB.PUBLISHED_COUNTS',
        {'train': train.counts, 'test': test.counts},
    )
    assert check(root).ok


def test_missing_and_unreadable(root):
    (root / TRAIN.format(5)).unlink()
    (root / TRAIN.format(6)).write_bytes(b'')
    (root / TEST.format(7)).write_text('no image')
    whole = (root / TEST.format(8)).read_bytes()
    (root / TEST.format(8)).write_bytes(whole[: len(whole) // 2])
    report = check(root)
    train, test = report.parts
    assert not report.ok
    ann_file = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    assert train.missing == [
        dict(path=TRAIN.format(5), label='anger', where=f'{ann_file}:5')
    ]
    assert [file['path'] for file in train.unreadable] == [TRAIN.format(6)]
    assert train.unreadable[0]['reason'] == 'the file is empty'
    assert train.grey + train.colour == 82
    assert test.missing == []
    assert [file['path'] for file in test.unreadable] == [
        TEST.format(7),
        TEST.format(8),
    ]
    # the test images stand after 84 for training
    assert test.unreadable[1]['where'] == f'{ann_file}:92'
    assert 'truncated' in test.unreadable[1]['reason']


def test_duplicates(root):
    def copy(source, target):
        shutil.copyfile(root / source, root / target)

    copy(TRAIN.format(1), TRAIN.format(8))  # both fear
    copy(TRAIN.format(2), TEST.format(2))  # both disgust
    copy(TRAIN.format(3), TEST.format(4))  # happiness and sadness
    copy(TEST.format(10), TEST.format(17))  # both happiness
    report = check(root)
    groups = {
        tuple(p['path'] for p in group['pictures']): group
        for group in report.duplicates
    }
    assert {paths: g['contradicting'] for paths, g in groups.items()} == {
        (TRAIN.format(1), TRAIN.format(8)): False,
        (TRAIN.format(2), TEST.format(2)): False,
        (TRAIN.format(3), TEST.format(4)): True,
        (TEST.format(10), TEST.format(17)): False,
    }
    across = groups[TRAIN.format(2), TEST.format(2)]
    assert across['splits'] in (['test', 'train'], ['test', 'val'])
    assert groups[TEST.format(10), TEST.format(17)]['splits'] == ['test']
    # a copy within the test split is no leak
    assert report.leaks == [TEST.format(2), TEST.format(4)]
    # duplicates change nothing of what is wrong
    assert all(not part.errors for part in report.parts)


def test_validation_images_leak_too(root):
    parts = read_parts(configs(root))
    held_out = parts[0].splits['val'][0].path
    shutil.copyfile(root / held_out, root / TEST.format(1))
    report = verify(parts)
    assert report.leaks == [TEST.format(1)]
    assert report.duplicates[0]['splits'] == ['test', 'val']


def test_choosing_on_the_test_split_is_no_leak(root):
    shutil.copyfile(root / TEST.format(10), root / TEST.format(17))
    splits = configs(root)
    splits['val'] = splits['test']
    report = verify(read_parts(splits))
    assert [part.pictures for part in report.parts] == [84, 28]
    assert len(report.duplicates) == 1
    assert report.leaks == []


def test_a_file_listed_by_two_readers_is_no_copy_of_itself(root):
    splits = configs(root)
    splits['val']['classes'] = splits['test']['classes'] = list(
        read_parts(splits)[0].dataset.CLASSES
    )
    report = verify(read_parts(splits))
    assert [part.pictures for part in report.parts] == [84, 84, 28]
    assert report.duplicates == []


def test_what_is_left_out_is_in_no_split(root, tmp_path):
    shutil.copyfile(root / TRAIN.format(2), root / TEST.format(2))
    listed = tmp_path / 'leaks.txt'
    listed.write_text(f'# a comment\n{TEST.format(2)}\n')
    splits = configs(root)
    splits['test']['leave_out'] = str(listed)
    report = verify(read_parts(splits))
    assert report.leaks == []
    assert report.duplicates == []
    found = report.parts[1].splits['test']
    assert found['pictures'] == 27
    assert "without 1 of the 1 images that '" in found['rule']
    assert report.parts[1].pictures == 28


def test_wrong_annotations_are_reported(root):
    labels = root / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    labels.write_text('train_00001.jpg 9\n')
    train, test = check(root).parts
    assert len(train.errors) == len(test.errors) == 1
    assert "list_patition_label.txt:1: unknown label '9'" in train.errors[0]
    assert not train.ok
    assert train.pictures == 0


def test_an_absent_folder_is_reported(tmp_path):
    train, test = check(tmp_path / 'nowhere').parts
    assert 'nowhere' in train.errors[0]
    assert 'is no folder' in test.errors[0]


def test_images_that_are_trained_and_tested_on(root):
    """Listed twice they are one file, which has no copy."""
    splits = configs(root)
    splits['test']['split'] = 'val'
    del splits['val']
    splits['train']['val_fraction'] = 0
    report = verify(read_parts(splits))
    assert not report.duplicates
    assert len(report.shared) == len(report.leaks) == 7
    assert not report.ok


def test_the_epoch_is_chosen_on_images_that_are_trained_on(root):
    splits = configs(root)
    splits['train']['val_fraction'] = 0
    report = verify(read_parts(splits))
    assert len(report.shared) == 7
    assert report.leaks == []


def test_choosing_on_the_test_split_is_no_sharing(root):
    splits = configs(root)
    splits['val']['split'] = 'test'
    assert verify(read_parts(splits)).shared == []
