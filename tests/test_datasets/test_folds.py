from collections import Counter

import pytest

from mpafer_plugin.datasets import RAFDB, FERCsv, FERPlus, SyntheticFaces
from mpafer_plugin.datasets.annotations import Sample
from mpafer_plugin.datasets.folds import assign_folds, name_subjects

PEOPLE = [  # 20 persons of 1 to 4 images, two classes
    Sample(f'{p}_{i}.png', 'fear' if i % 2 else 'anger', 'list', 0,
           f'{p}_{i}', group=f'P{p}')
    for p in range(20)
    for i in range(1 + p % 4)
]  # fmt: skip


def sizes(folds):
    return sorted(Counter(folds).values())


def test_persons_stay_whole_and_classes_in_proportion():
    folds = assign_folds(PEOPLE, 5, 0, whole_groups=True)
    of_person = {}
    for sample, fold in zip(PEOPLE, folds, strict=True):
        assert of_person.setdefault(sample.group, fold) == fold
    assert sizes(folds) == [10, 10, 10, 10, 10]
    for label, count in (('anger', 30), ('fear', 20)):
        held = [
            f for s, f in zip(PEOPLE, folds, strict=True) if s.label == label
        ]
        assert sizes(held) == [count // 5] * 5


def test_single_images_are_dealt_by_class():
    labels = ['anger'] * 23 + ['fear'] * 8
    samples = [
        Sample(f'{i}.png', label, 'list', 0, str(i))
        for i, label in enumerate(labels)
    ]
    folds = assign_folds(samples, 4, 0, whole_groups=False)
    assert sizes(folds[:23]) == [5, 6, 6, 6]
    assert sizes(folds[23:]) == [2, 2, 2, 2]


def test_draw_depends_on_the_seed_alone():
    def draw(samples, seed):
        folds = assign_folds(samples, 5, seed, whole_groups=True)
        return dict(zip(samples, folds, strict=True))

    assert draw(PEOPLE[::-1], 0) == draw(PEOPLE, 0)
    assert draw(PEOPLE, 1) != draw(PEOPLE, 0)


def test_fewer_persons_than_folds():
    with pytest.raises(ValueError, match=r'folds=21.*20 persons'):
        assign_folds(PEOPLE, 21, 0, whole_groups=True)


def test_persons_by_a_part_of_the_path():
    samples = [
        Sample('train/S005_1.png', 'fear', 'a', 0, ''),
        Sample('train/x.png', 'fear', 'a', 0, ''),
    ]
    for pattern in ('S[0-9]+', '/(S.+?)_'):
        named = name_subjects(samples, pattern, required=False)
        assert [sample.group for sample in named] == ['S005', '']
    with pytest.raises(ValueError, match=r"'S\[0-9\]\+'.*'train/x.png'"):
        name_subjects(samples, 'S[0-9]+', required=True)
    with pytest.raises(ValueError, match=r"subject='\('"):
        name_subjects(samples, '(', required=True)
    for pattern in ('x' * 5000, '(' * 5000, 'x{5000000000}', '[0\ud800-9]'):
        with pytest.raises(ValueError, match='subject=') as error:
            name_subjects(samples, pattern, required=True)
        assert len(str(error.value).encode()) < 1000


def subjects(dataset):
    return {dataset.get_data_info(i)['subject'] for i in range(len(dataset))}


def paths(dataset):
    return {dataset.get_data_info(i)['img_path'] for i in range(len(dataset))}


def test_ten_folds_of_drawn_faces_share_no_person(tmp_path):
    few = dict(num_train=84, num_test=4, folds=10, val_fraction=0.2)
    tested = []
    for fold in range(10):
        splits = [
            SyntheticFaces(str(tmp_path / 'a'), split, fold=fold, **few)
            for split in ('train', 'val', 'test')
        ]
        train, val, test = map(subjects, splits)
        assert not (train & val or train & test or val & test)
        assert len(train | val | test) == 21  # all persons
        tested += test
        assert "groups by 'person'" in splits[2].describe()['split_rule']
    assert len(tested) == len(set(tested)) == 21


def test_without_persons_images_are_dealt(data_root, log):
    root, tested = str(data_root / 'rafdb'), set()
    for fold in range(3):
        train, val, test = (
            RAFDB(root, split, folds=3, fold=fold)
            for split in ('train', 'val', 'test')
        )
        assert test.get_gt_labels().tolist().count(0) == 4  # of 12
        assert len(paths(train) | paths(val) | paths(test)) == 84
        assert len(train) + len(val) + len(test) == 84
        tested |= paths(test)
    assert len(tested) == 84
    assert 'fold 2 of 3 (fold_seed=0) of the official tr' in log.text
    assert 'official training images without fold 2 of 3' in log.text


def test_official_validation_images_stay(data_root):
    root = str(data_root / 'ferplus')
    train, val, test = (
        FERPlus(root, split, folds=4, fold=1)
        for split in ('train', 'val', 'test')
    )
    assert (len(train), len(val), len(test)) == (24, 32, 8)
    assert all('FER2013Train' in path for path in paths(train) | paths(test))
    assert 'official val' in val.describe()['split_rule']


def test_persons_of_a_table_by_their_path(csv_root, log):
    (csv_root / 'labels.csv').write_text(
        'path,label\n' + ''.join(f'{i}.jpg,happy\n' for i in range(4))
    )
    read = dict(folds=2, fold=0, subject='[0-9]', val_fraction=0.5)
    train, test = (
        FERCsv(str(csv_root), split, **read) for split in ('train', 'test')
    )
    assert len(train) == 1
    assert len(test) == 2
    assert not subjects(train) & subjects(test)
    with pytest.raises(ValueError, match="group='a' and subject='b'"):
        FERCsv(str(csv_root), group='a', subject='b')


def test_persons_who_seem_known_are_a_warning(csv_root, log):
    (csv_root / 'labels.csv').write_text(
        'path,label,person\n' + ''.join(f'{i}.jpg,happy,A\n' for i in range(4))
    )
    FERCsv(str(csv_root), 'test', folds=2, fold=0)
    assert '1 of the 1 persons (or clips)' in log.text
    assert "group='person' keeps" in log.text


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(folds=1, fold=0), 'folds=1'),
        (dict(fold=0), 'folds=None with fold=0'),
        (dict(folds=3), 'fold=None with folds=3: it must be in 0 to 2'),
        (dict(folds=3, fold=3), 'fold=3 with folds=3: it must be in 0 to 2'),
    ],
)
def test_wrong_folds(data_root, arguments, message):
    with pytest.raises(ValueError, match=message):
        RAFDB(str(data_root / 'rafdb'), **arguments)


def test_a_dataset_names_its_folder(tmp_path):
    (tmp_path / 'a.png').touch()
    (tmp_path / 'labels.csv').write_text('path,label\na.png,fear\n')
    with pytest.raises(ValueError, match=rf'{tmp_path}.*folds=2.*only 1'):
        FERCsv(str(tmp_path), folds=2, fold=0)
