"""Distributions of RAF-DB and AffectNet, in a table of the user's."""

import numpy as np
import pytest

from mpafer_plugin.datasets import RAFDB, AffectNet

NUMBERS = range(1, 8)
KWARGS = dict(serialize_data=False, val_fraction=0)


@pytest.fixture
def rafdb(tmp_path):
    """Two training images, of surprise and fear."""
    label_file = tmp_path / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    images = tmp_path / 'basic' / 'Image' / 'aligned'
    label_file.parent.mkdir(parents=True)
    images.mkdir(parents=True)
    label_file.write_text('train_00001.jpg 1\ntrain_00002.jpg 2\n')
    for i in (1, 2):
        (images / f'train_0000{i}_aligned.jpg').touch()
    return tmp_path


def read(root, lines, **kwargs):
    (root / 'votes.txt').write_text('\n'.join(lines))
    kwargs = dict(label_rule='distribution', votes='votes.txt') | kwargs
    return RAFDB(str(root), **KWARGS, **kwargs)


LINES = [
    'train_00001.jpg 0.5 0 0.25 0 0 0 0.25',
    'train_00002.jpg 0 0.4 0 0.6 0 0 0',
    'test_0001.jpg 1 0 0 0 0 0 0',  # of the other part
]
HEADER = 'image,surprise,Fear,disgust,Happy,sadness,anger,neutral'
NAMED = [line.replace(' ', ',') for line in LINES]


@pytest.mark.parametrize(
    'lines',
    [
        LINES,  # in RAF-DB's order
        NAMED,
        [HEADER, *NAMED],
        ['image,' + ','.join(map(str, NUMBERS)), *NAMED],
        [line.replace('.jpg', '_aligned.jpg') for line in LINES],
    ],
)
def test_rafdb(rafdb, lines):
    dataset = read(rafdb, lines)
    # neutral, happiness, sadness, surprise, fear, disgust, anger
    np.testing.assert_allclose(
        [info['gt_score'] for info in dataset],
        [[0.25, 0, 0, 0.5, 0, 0.25, 0], [0, 0.6, 0, 0, 0.4, 0, 0]],
    )
    assert dataset.get_gt_labels().tolist() == [3, 1]
    rule = dataset.describe()['label_rule']
    assert '1 labels differ' in rule
    assert 'votes.txt' in rule


def test_columns_in_another_order(rafdb):
    lines = ['image,neutral,anger,sad,happy,disgust,fear,surprise']
    lines += ['train_00001.jpg,4,0,0,0,0,0,0', 'train_00002.jpg,0,0,1,0,0,0,0']
    assert read(rafdb, lines).get_gt_labels().tolist() == [0, 2]


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (LINES[:1], r"lacks 1 of 2 images, such as 'train_00002\.jpg'"),
        ([*LINES, 'train_00001.jpg 1 0 0 0 0 0 0'], 'txt:4: .*train_00001'),
        (['train_00001.jpg 1 0'], 'txt:1: 3 fields .*an image and 7 votes'),
        (['train_00001.jpg 0 0 0 0 0 0 0'], 'txt:1: .* no votes'),
        (['train_00001.jpg x 0 0 0 0 0 0'], "txt:1: 'x' votes for 'surpr"),
        (['image,fear,fear'], r"txt:1: .*\['fear', 'fear'\]; .*'surprise'"),
    ],
)
def test_wrong_tables(rafdb, lines, message):
    with pytest.raises(ValueError, match=message):
        read(rafdb, lines)


@pytest.mark.parametrize(
    'kwargs', [dict(votes=None), dict(label_rule=None), dict(label_rule='x')]
)
def test_wrong_arguments(rafdb, kwargs):
    with pytest.raises(ValueError, match='label_rule'):
        read(rafdb, LINES, **kwargs)


@pytest.mark.parametrize('number', [7, 8])
def test_affectnet(tmp_path, number):
    for label in range(number):
        path = tmp_path / 'val' / str(label) / f'{10 + label}.jpg'
        path.parent.mkdir(parents=True)
        path.touch()
    lines = []
    for label in range(number):
        shares = ['0'] * number
        shares[label], shares[0] = '0.4', '0.6' if label else '1'
        lines.append(','.join([f'{10 + label}.jpg', *shares]))
    (tmp_path / 'soft.csv').write_text('\n'.join(lines))
    dataset = AffectNet(
        str(tmp_path),
        'test',
        num_classes=number,
        label_rule='distribution',
        votes='soft.csv',
        serialize_data=False,
    )
    assert dataset.get_gt_labels().tolist() == [0] * number
    assert dataset[2]['gt_score'] == [0.6, 0, 0.4, *[0] * (number - 3)]
