import logging
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import RAFDB
from mpafer_plugin.datasets.categories import (
    COMPOUND_EXPRESSIONS,
    SEVEN_EXPRESSIONS,
)

# images of the ids 1..7 in the drawn copy
TRAIN = (10, 20, 30, 40, 50, 60, 70)
TEST = (1, 2, 3, 4, 5, 6, 7)
# the same in canonical order: neutral is id 7, happiness 4, sadness 5, ...
CANONICAL = (7, 4, 5, 1, 2, 3, 6)
LABEL_FILE = Path('basic/EmoLabel/list_patition_label.txt')


def write(root, lines, newline='\n', bom=''):
    """Write a label file and an empty image for each well-formed line."""
    (root / LABEL_FILE).parent.mkdir(parents=True)
    text = bom + newline.join(lines) + newline
    (root / LABEL_FILE).write_bytes(text.encode())
    for kind, suffix in (('aligned', '_aligned.jpg'), ('original', '.jpg')):
        folder = root / 'basic' / 'Image' / kind
        folder.mkdir(parents=True)
        for line in lines:
            name = line.split()[0]
            if '/' not in name:
                (folder / name.replace('.jpg', suffix)).touch()
    return root


def official_lines():
    train = [label for label, n in enumerate(TRAIN, 1) for _ in range(n)]
    test = [label for label, n in enumerate(TEST, 1) for _ in range(n)]
    return [
        *(f'train_{i:05}.jpg {label}' for i, label in enumerate(train, 1)),
        *(f'test_{i:04}.jpg {label}' for i, label in enumerate(test, 1)),
    ]


@pytest.fixture
def root(tmp_path):
    return write(tmp_path, official_lines())


def names_of(dataset):
    return [Path(info['img_path']).name for info in dataset]


def test_labels_by_name_in_canonical_order(root):
    dataset = RAFDB(str(root), 'test')
    assert dataset.metainfo['classes'] == SEVEN_EXPRESSIONS
    counts = np.bincount(dataset.get_gt_labels())
    assert counts.tolist() == [TEST[label - 1] for label in CANONICAL]
    first = dataset.get_data_info(0)
    assert first['gt_label'] == SEVEN_EXPRESSIONS.index('surprise')
    aligned = root / 'basic' / 'Image' / 'aligned' / 'test_0001_aligned.jpg'
    assert first['img_path'] == str(aligned)


def test_users_order_of_classes(root):
    classes = ['Angry', *SEVEN_EXPRESSIONS[:-1]]
    dataset = RAFDB(str(root), 'test', classes=classes)
    assert np.bincount(dataset.get_gt_labels())[0] == TEST[6 - 1]


def test_registered_and_without_serialised_data(root):
    cfg = {'type': 'RAFDB', 'data_root': str(root), 'serialize_data': False}
    plain = DATASETS.build({**cfg, 'indices': 5})
    assert len(plain) == 5 and not plain.test_mode
    assert DATASETS.build({**cfg, 'split': 'val'}).test_mode


def test_split_is_stratified_disjoint_and_complete(root):
    train, val = RAFDB(str(root)), RAFDB(str(root), 'val')
    assert np.bincount(val.get_gt_labels()).tolist() == list(CANONICAL)
    assert not set(names_of(train)) & set(names_of(val))
    everything = RAFDB(str(root), val_fraction=0)
    assert Counter(names_of(train) + names_of(val)) == Counter(
        names_of(everything)
    )
    assert len(everything) == sum(TRAIN)


def test_split_depends_on_seed_and_name_only(root, tmp_path_factory):
    held_out = names_of(RAFDB(str(root), 'val'))
    turned = write(tmp_path_factory.mktemp('turned'), official_lines()[::-1])
    assert set(names_of(RAFDB(str(turned), 'val'))) == set(held_out)
    original = names_of(RAFDB(str(root), 'val', aligned=False))
    assert original == [name.replace('_aligned', '') for name in held_out]
    assert names_of(RAFDB(str(root), 'val', val_seed=1)) != held_out


def test_log_tells_rules_and_both_rows_of_counts(root, log):
    RAFDB(str(root), 'val')
    warning, info = log.records
    assert warning.levelno == logging.WARNING
    row = ' +'.join(str(TRAIN[label - 1]) for label in CANONICAL)
    published = r'published +2524 +4772 +1982 +1290 +281 +717 +705 +12271'
    for record in (warning, info):
        assert re.search(published, record.message)
    assert re.search(rf'read +{row} +280', warning.message)
    assert 'label rule: as annotated' in info.message
    assert 'val_fraction=0.1 of every class, val_seed=0' in info.message
    assert re.search(r'this split +7 .* 28$', info.message)


def test_complete_copy_gives_no_warning(root, log, monkeypatch):
    published = {
        RAFDB.LABEL_NAMES[label]: n for label, n in enumerate(TEST, 1)
    }
    monkeypatch.setattr(RAFDB, 'PUBLISHED_COUNTS', {'test': published})
    RAFDB(str(root), 'test')
    assert [record.levelno for record in log.records] == [logging.INFO]


def test_published_totals():
    totals = {k: sum(v.values()) for k, v in RAFDB.PUBLISHED_COUNTS.items()}
    assert totals == {'train': 12271, 'test': 3068}


@pytest.mark.parametrize(('newline', 'bom'), [('\r\n', ''), ('\n', '\ufeff')])
def test_line_endings_and_bom(tmp_path, newline, bom):
    write(tmp_path, ['test_0001.jpg 7', 'test_0002.jpg 4'], newline, bom)
    assert RAFDB(str(tmp_path), 'test').get_gt_labels().tolist() == [0, 1]


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('test_0002.jpg', r"label\.txt:2: cannot read the line 'test_0002"),
        ('other.jpg 1', r"label\.txt:2: cannot read the line 'other\.jpg 1'"),
        ('test_0002.jpg 8', r"label\.txt:2: unknown label '8'.*7: 'neutral'"),
        ('test_0002.jpg x', r"label\.txt:2: unknown label 'x'"),
        (
            'test_0001.jpg 2',
            r'label\.txt:2: .* twice, .*label\.txt:1',
        ),
        ('test_/../../../../x.jpg 1', r'label\.txt:2: .*leads out of'),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    write(tmp_path, ['test_0001.jpg 1', line])
    with pytest.raises(ValueError, match=message):
        RAFDB(str(tmp_path), 'test')


def test_all_absent_images_are_counted(root):
    for number in range(1, 8):
        name = f'test_{number:04}_aligned.jpg'
        (root / 'basic' / 'Image' / 'aligned' / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        RAFDB(str(root), 'test')
    message = str(caught.value)
    assert message.startswith('7 of 28 listed images are absent')
    assert f'label.txt:{sum(TRAIN) + 1}: basic/Image/aligned/' in message
    assert message.count('_aligned.jpg\n') == 5


def test_absent_folders_say_what_is_there(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone' is no folder"):
        RAFDB(str(tmp_path / 'gone'))
    # only 'basic' itself may stand for the folder that holds it
    (root / 'basic').rename(root / 'other')
    for path in (root, root / 'other'):
        with pytest.raises(FileNotFoundError) as caught:
            RAFDB(str(path))
        message = str(caught.value)
        assert 'basic/EmoLabel/list_patition_label.txt (absent)' in message
        assert f'{str(path)!r} holds [' in message
        assert 'CUB: images.txt (absent)' in message
        assert 'the layouts are' in message


def test_basic_itself(root):
    dataset = RAFDB(str(root / 'basic'), 'test')
    assert names_of(dataset) == names_of(RAFDB(str(root), 'test'))


def test_crop_in_words(root):
    dataset = RAFDB(str(root), 'test', lazy_init=True)
    assert dataset.describe()['crop'] == 'known once it is read'
    dataset.full_init()
    assert dataset.describe()['crop'] == 'official aligned faces, 100 x 100'
    original = RAFDB(str(root), 'test', aligned=False)
    assert original.describe()['crop'] == 'original photos, not cropped'


def write_compound(root, train=22, test=11):
    lines = [f'train_{i:05}.jpg {1 + i % 11}' for i in range(train)]
    lines += [f'test_{i:04}.jpg {1 + i % 11}' for i in range(test)]
    write(root / 'data', lines)
    (root / 'data' / 'basic').rename(root / 'compound')
    return root


def test_compound_expressions(tmp_path, log):
    dataset = RAFDB(str(write_compound(tmp_path)), 'test', compound=True)
    assert dataset.metainfo['classes'] == COMPOUND_EXPRESSIONS
    assert dataset.get_gt_labels().tolist() == list(range(11))
    assert 'there are 11 images, but 792 were' in log.records[0].message
    assert len(RAFDB(str(tmp_path / 'compound'), compound=True)) == 22
    with pytest.raises(FileNotFoundError, match=r"basic/(.|\n)*'compound'"):
        RAFDB(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'compound/EmoLabel/.*absent'):
        RAFDB(str(tmp_path / 'compound' / 'Image'), compound=True)


def test_complete_compound_copy_gives_no_warning(tmp_path, log):
    root = write_compound(tmp_path, 3162, 792)
    RAFDB(str(root), compound=True, val_fraction=0)
    RAFDB(str(root), 'test', compound=True)
    assert [r.levelno for r in log.records] == [logging.INFO] * 2


def test_unlisted_images_are_counted(root, log):
    folder = root / 'basic' / 'Image' / 'aligned'
    for name in ('test_0999_aligned.JPG', 'x.png', 'notes.txt'):
        (folder / name).touch()
    assert len(RAFDB(str(root), 'test')) == sum(TEST)
    assert '2 images lie beside the listed' in log.records[0].message


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'split': 'valid'}, r"no split 'valid'.*'train', 'val', 'test'"),
        ({'split': 'val', 'val_fraction': 0}, r'val_fraction above 0'),
        ({'val_fraction': 1.0}, r'val_fraction is 1\.0'),
        ({'val_fraction': -0.1}, r'val_fraction is -0\.1'),
        ({'classes': ['awe']}, r"'surprise' is not among .*'awe'"),
        (
            {'split': 'val', 'val_fraction': 0.001},
            r'rounds to no image: the largest class has 70',
        ),
    ],
)
def test_wrong_arguments(root, kwargs, message):
    with pytest.raises(ValueError, match=message):
        RAFDB(str(root), **kwargs)
