"""JAFFE and KDEF, whose files are named by person and expression."""

import itertools

import pytest

from mpafer_plugin.datasets import JAFFE, KDEF

PEOPLE = ('KA', 'KL', 'KM', 'KR', 'MK')
CODES = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')


def jaffe(people=PEOPLE):
    pairs = itertools.product(people, CODES)
    return [f'{p}.{c}1.{i}.tiff' for i, (p, c) in enumerate(pairs)]


def kdef(people=('F01', 'F02', 'M01', 'M02', 'M03')):
    codes = ('AF', *(code for code in CODES if code != 'FE'))
    views = ('FL', 'HL', 'S', 'HR', 'FR')
    return [
        f'{s}{p}/{s}{p}{c}{v}.JPG'
        for s, p, c, v in itertools.product('AB', people, codes, views)
    ]


def read(kind, root, split='train', **kwargs):
    kwargs = dict(serialize_data=False) | kwargs
    return kind(root, split, **kwargs)


@pytest.mark.parametrize('folder', ['', 'jaffe/'])
def test_jaffe(touch, log, folder):
    root = touch(*(folder + name for name in jaffe()), 'README_FIRST.txt')
    dataset = read(JAFFE, root, val_fraction=0)
    assert len(dataset) == 35
    assert dataset.metainfo['classes'][0] == 'neutral'
    assert '35 images, but 213 were published' in log.text
    names = {
        info['img_path'].split('.')[-3][:2]: dataset.CLASSES[info['gt_label']]
        for info in dataset
    }
    assert names == JAFFE.NAMES
    assert {info['subject'] for info in dataset} == set(PEOPLE)


@pytest.mark.parametrize(('kind', 'names'), [(JAFFE, jaffe()), (KDEF, kdef())])
def test_no_person_is_in_two_splits(touch, kind, names):
    root = touch(*names)
    splits = [
        {info['subject'] for info in read(kind, root, split, folds=5, fold=2)}
        for split in ('train', 'val', 'test')
    ]
    assert [len(people) for people in splits] == [3, 1, 1]
    assert len(set.union(*splits)) == 5


def test_kdef(touch):
    root = touch(*kdef())
    dataset = read(KDEF, root, val_fraction=0)
    assert len(dataset) == 350
    labels = {
        info['img_path'].split('/')[-1][4:6]: dataset.CLASSES[info['gt_label']]
        for info in dataset
    }
    assert labels == KDEF.NAMES
    # Session A and B show the same persons.
    assert {info['subject'] for info in dataset} == {
        'F01', 'F02', 'M01', 'M02', 'M03',
    }  # fmt: skip
    straight = read(KDEF, root, views=['S'], val_fraction=0)
    assert len(straight) == 70
    assert all(info['img_path'].endswith('S.JPG') for info in straight)
    assert straight.published_counts()['fear'] == 140
    assert sum(dataset.published_counts().values()) == 4900


def test_other_names_are_counted(touch, log):
    assert len(read(JAFFE, touch(*jaffe(), 'x.png'), val_fraction=0)) == 35
    assert "1 images, such as 'x.png', have other names" in log.text


@pytest.mark.parametrize(
    ('kind', 'name', 'message'),
    [
        (JAFFE, 'KA.XX1.39.tiff', "'XX' is neither a key.*'AN': 'anger'"),
        (KDEF, 'AF01XXS.JPG', "'XX' is neither a key.*'AF': 'fear'"),
        (JAFFE, 'copy/KA.AN1.0.tiff', r'copy/KA\.AN1.*is that of .*KA\.AN1'),
    ],
)
def test_wrong_names(touch, kind, name, message):
    root = touch(*(jaffe() if kind is JAFFE else kdef()), name)
    with pytest.raises(ValueError, match=message):
        read(kind, root)


def test_no_file_of_such_a_name(touch):
    root = touch('AF01V.JPG')
    for kind in (JAFFE, KDEF):
        with pytest.raises(FileNotFoundError, match=r"holds \['AF01V\.JPG'\]"):
            read(kind, root)


@pytest.mark.parametrize('views', ['S', [], ['left']])
def test_wrong_views(touch, views):
    with pytest.raises(ValueError, match=r"views=.*('FL', 'HL', 'S'|\[str\])"):
        read(KDEF, touch(*kdef()), views=views)


def test_there_is_no_test_part(touch):
    with pytest.raises(FileNotFoundError, match='folds=10, fold=0'):
        read(JAFFE, touch(*jaffe()), 'test')
