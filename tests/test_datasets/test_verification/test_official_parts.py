import pytest

from mpafer_plugin.datasets import FERPlus
from mpafer_plugin.datasets.annotations import Sample
from mpafer_plugin.datasets.verification.official_parts import (
    fer_dataset_configs,
    read_parts,
)


@pytest.fixture
def configs(data_root):
    splits = ('train', 'val', 'test')
    own = dict(type='RAFDB', data_root=str(data_root / 'rafdb'))
    return {split: dict(own, split=split) for split in splits}


def test_parts_and_splits(configs):
    train, test = read_parts(configs)
    assert (train.name, test.name) == ('RAFDB train', 'RAFDB test')
    assert (len(train.samples), len(test.samples)) == (84, 28)
    assert {k: len(v) for k, v in train.splits.items()} == dict(
        train=77, val=7
    )
    assert {k: len(v) for k, v in test.splits.items()} == dict(test=28)
    assert train.counts['fear'] == 12
    assert train.absent == train.errors == []


def test_a_path_out_of_the_folder_is_not_read(configs, monkeypatch):
    monkeypatch.setattr(
        'mpafer_plugin.datasets.RAFDB.load_samples',
        lambda self: [Sample('../x.jpg', 'fear', 'list.txt', 3, 'x')],
    )
    part = read_parts(configs)[0]
    assert part.samples == []
    assert 'list.txt:3' in part.errors[0]
    assert 'leads out of the data root' in part.errors[0]


def test_labels_that_are_no_class_are_reported(configs):
    configs['train']['classes'] = ['neutral', 'hapiness']
    part = read_parts(configs)[0]
    assert "'hapiness'" in part.errors[0]
    assert part.samples == []


def test_classes_that_are_left_out_are_not_expected(configs):
    for config in configs.values():
        config['classes'] = ['neutral', 'happiness']
    train = read_parts(configs)[0]
    assert train.counts == dict(neutral=12, happiness=12)
    assert train.dataset.expected_counts() == dict(
        neutral=2524, happiness=4772
    )


def test_wrappers_are_taken_off(configs):
    train = configs['train']
    test = dict(type=FERPlus, data_root='x')
    wrapped = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[train, test]),
    )
    assert fer_dataset_configs(wrapped) == [train, test]


def test_training_and_held_out_images_together(configs):
    both = dict(
        type='ConcatDataset', datasets=[configs['train'], configs['val']]
    )
    (part,) = read_parts(dict(train=both))
    assert len(part.splits['train']) == 84


def test_other_data_sets_are_refused():
    with pytest.raises(TypeError, match='CIFAR10 is neither a dataset of'):
        fer_dataset_configs(dict(type='CIFAR10', data_root='x'))
