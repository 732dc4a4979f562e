import csv
import io
import logging
import pickle
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import AffectNet
from mpafer_plugin.datasets.affectnet.labels import read_label
from mpafer_plugin.datasets.affectnet.layouts import HEADER
from mpafer_plugin.datasets.categories import EXPRESSIONS, SEVEN_EXPRESSIONS

# images of the ids 0..10 in the drawn copy
TRAIN = (70, 90, 60, 50, 40, 30, 20, 10, 4, 5, 6)
TEST = (8, 7, 6, 5, 4, 3, 2, 9, 1, 2, 3)
LISTS = {'train': 'training.csv', 'val': 'validation.csv'}
LANDMARKS = ';'.join(f'{number}.25' for number in range(136))
IMAGES = Path('Manually_Annotated_Images')
RELEASES = ('new', 'old')


def ids_of(counts):
    return [number for number, n in enumerate(counts) for _ in range(n)]


def row(path, number):
    return [path, 1, 2, 300, 300, LANDMARKS, number, -0.5, 0.25]


def write_csv(path, rows, newline='\n', bom='', header=True):
    text = io.StringIO()
    table = [HEADER, *rows] if header else rows
    csv.writer(text, lineterminator=newline).writerows(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((bom + text.getvalue()).encode())


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write_old(root, part, numbers, images=IMAGES, lists='', **kwargs):
    """Write one part of the old release: a CSV and empty images."""
    rows = [row(f'{i % 3}/{part}{i}.jpg', n) for i, n in enumerate(numbers)]
    for path, *_ in rows:
        touch(root / images / path)
    write_csv(root / lists / LISTS[part], rows, **kwargs)
    return root


def write_new(root, part, numbers, ending='.jpg', kind=str):
    """Write one part of the new release: npy files and empty images."""
    folder = root / f'{part}_set'
    for name in ('annotations', 'images'):
        (folder / name).mkdir(parents=True)
    for i, number in enumerate(numbers):
        stem = f'{part}{i}'
        for what, value in (('exp', kind(number)), ('val', '-0.5')):
            path = folder / 'annotations' / f'{stem}_{what}.npy'
            np.save(path, np.array(value))
        (folder / 'images' / f'{stem}{ending}').touch()
    return root


WRITERS = {'new': write_new, 'old': write_old}


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    """Complete copies by release; no test changes them."""
    roots = {}
    for release, write in WRITERS.items():
        root = tmp_path_factory.mktemp(release)
        write(root, 'train', ids_of(TRAIN))
        roots[release] = str(write(root, 'val', ids_of(TEST)))
    return roots


def names_of(dataset):
    return [Path(info['img_path']).name for info in dataset]


@pytest.mark.parametrize('release', RELEASES)
@pytest.mark.parametrize('num_classes', [7, 8])
def test_labels_by_name_in_affectnets_order(roots, release, num_classes):
    dataset = AffectNet(roots[release], 'test', num_classes)
    assert dataset.metainfo['classes'] == EXPRESSIONS[:num_classes]
    counts = np.bincount(dataset.get_gt_labels()).tolist()
    assert counts == list(TEST[:num_classes])
    # the first of happiness follows the eight of neutral
    folder = 'val_set/images' if release == 'new' else IMAGES / '2'
    path = str(Path(roots[release]) / folder / 'val8.jpg')
    labels = {info['img_path']: info['gt_label'] for info in dataset}
    assert labels[path] == EXPRESSIONS.index('happiness')


@pytest.mark.parametrize('num_classes', [7, 8])
def test_both_releases_give_the_same(roots, num_classes):
    held_out = {}
    for release, root in roots.items():
        dataset = AffectNet(root, 'train', num_classes, val_fraction=0)
        held_out[release] = {
            Path(info['img_path']).name: info['gt_label'] for info in dataset
        }
        assert len(dataset) == sum(TRAIN[:num_classes])
    assert held_out['new'] == held_out['old']


def test_users_classes(roots):
    for classes in (EXPRESSIONS[::-1], ['Angry', *SEVEN_EXPRESSIONS[:-1]]):
        dataset = AffectNet(roots['old'], 'test', classes=classes)
        assert dataset.metainfo['classes'] == tuple(classes)
        place = [c.lower() for c in classes].index('happiness')
        assert np.bincount(dataset.get_gt_labels())[place] == TEST[1]
    plain = AffectNet(roots['old'], 'test', 8, classes=None)
    assert plain.metainfo['classes'] == EXPRESSIONS


def test_registered_and_without_serialised_data(roots):
    cfg = {'type': 'AffectNet', 'serialize_data': False, 'num_classes': 8}
    cfg['data_root'] = roots['new']
    plain = DATASETS.build({**cfg, 'indices': 5})
    assert len(plain) == 5 and not plain.test_mode
    assert DATASETS.build({**cfg, 'split': 'val'}).test_mode


@pytest.mark.parametrize('release', RELEASES)
def test_split_is_stratified_disjoint_and_complete(roots, release):
    root = roots[release]
    train, val = AffectNet(root, num_classes=8), AffectNet(root, 'val', 8)
    counts = np.bincount(val.get_gt_labels()).tolist()
    assert counts == [7, 9, 6, 5, 4, 3, 2, 1]
    assert not set(names_of(train)) & set(names_of(val))
    everything = AffectNet(root, num_classes=8, val_fraction=0)
    assert Counter(names_of(train) + names_of(val)) == Counter(
        names_of(everything)
    )
    seven = AffectNet(root, 'val')
    labels = val.get_gt_labels()
    assert names_of(seven) == [
        name
        for name, label in zip(names_of(val), labels, strict=True)
        if label < 7
    ]
    assert names_of(AffectNet(root, 'val', 8, val_seed=1)) != names_of(val)


@pytest.mark.parametrize(
    ('release', 'source'),
    [('new', 'train_set/annotations'), ('old', 'training.csv')],
)
def test_log_tells_rules_counts_and_what_is_left_out(
    roots, log, release, source
):
    AffectNet(roots[release], 'val')
    warning, info = log.records
    assert warning.levelno == logging.WARNING
    published = r'published +74874 +134415 .* +3803 +24882 +283901'
    for record in (warning, info):
        assert re.search(published, record.message)
    assert re.search(r'read +70 .* +20 +360\n', warning.message)
    assert (
        'label rule: as annotated, ids 0-6; left out: 10 contempt (7), 4 none '
        f'(8), 5 uncertain (9), 6 no-face (10); by {source}\n' in info.message
    )
    assert 'val_fraction=0.1 of every class, val_seed=0' in info.message
    assert re.search(r'this split +7 .* 36$', info.message)


def test_rules_in_words(roots):
    eight = AffectNet(roots['old'], 'test', 8)
    assert (
        'ids 0-7; left out: 1 none (8), 2 unc'
        in eight.describe()['label_rule']
    )
    assert 'which papers report' in repr(eight)
    lazy = AffectNet(roots['old'], val_fraction=0, lazy_init=True)
    assert lazy.describe()['label_rule'] == (
        'as annotated, ids 0-6; left out: contempt (7), none (8), uncertain '
        '(9), no-face (10)'
    )
    assert 'nothing held out' in repr(lazy)


@pytest.mark.parametrize('contempt', [500, 499])
def test_one_image_short_is_only_a_warning(tmp_path, log, contempt):
    numbers = [*ids_of([500] * 7), *[7] * contempt]
    root = str(write_old(tmp_path, 'val', numbers))
    assert len(AffectNet(root, 'test')) == 3500
    assert len(AffectNet(root, 'test', 8)) == 3500 + contempt
    levels = [record.levelno for record in log.records]
    assert levels.count(logging.WARNING) == (contempt == 499)


def test_published_totals():
    totals = {
        k: sum(v.values()) for k, v in AffectNet.PUBLISHED_COUNTS.items()
    }
    assert totals == {'train': 287651, 'val': 4000}
    assert AffectNet.PUBLISHED_COUNTS['train']['contempt'] == 287651 - 283901


@pytest.mark.parametrize(
    'kwargs',
    [
        {'newline': '\r\n'},
        {'bom': '\ufeff'},
        {'header': False},
        {'header': False, 'newline': '\r\n', 'bom': '\ufeff'},
        {'images': ''},
        {'images': Path('Manually_Annotated') / IMAGES},
        {'lists': 'Manually_Annotated_file_lists'},
    ],
)
def test_variants_of_the_old_release(tmp_path, kwargs):
    root = write_old(tmp_path, 'val', ids_of(TEST), **kwargs)
    dataset = AffectNet(str(root), 'test', 8)
    assert len(dataset) == sum(TEST[:8])
    assert all(Path(info['img_path']).is_file() for info in dataset)


def test_quoted_and_other_names_of_the_old_release(tmp_path):
    names = ['7/Gesicht ä, 笑.JPG', '7/b.png', 'c.tif']
    for name in names:
        touch(tmp_path / name)
    write_csv(tmp_path / 'validation.csv', [row(n, 3) for n in names])
    dataset = AffectNet(str(tmp_path), 'test')
    assert names_of(dataset) == [Path(name).name for name in names]


@pytest.mark.parametrize('ending', ['.JPG', '.PNG', '.jpeg'])
@pytest.mark.parametrize('kind', [int, str, np.uint8])
def test_variants_of_the_new_release(tmp_path, ending, kind):
    root = write_new(tmp_path, 'val', ids_of(TEST), ending, kind)
    images = tmp_path / 'val_set' / 'images'
    for name in ('Thumbs.db', '._val0.jpg'):
        (images / name).touch()
    (images / f'val0{ending}').rename(images / f'ä笑{ending}')
    annotations = tmp_path / 'val_set' / 'annotations'
    (annotations / 'val0_exp.npy').rename(annotations / 'ä笑_exp.npy')
    dataset = AffectNet(str(root), 'test', 8)
    assert len(dataset) == sum(TEST[:8])
    assert f'ä笑{ending}' in names_of(dataset)


def test_new_release_wins(tmp_path):
    write_old(tmp_path, 'val', [0, 1, 2])
    root = str(write_new(tmp_path, 'val', [5]))
    dataset = AffectNet(root, 'test')
    assert dataset.get_gt_labels().tolist() == [5]
    assert 'by val_set/annotations' in repr(dataset)


def test_rows_listed_twice(tmp_path):
    touch(tmp_path / 'a.jpg')
    path = tmp_path / 'validation.csv'
    write_csv(path, [row('a.jpg', 3)] * 3)
    dataset = AffectNet(str(tmp_path), 'test')
    assert len(dataset) == 1
    assert '; 2 repeated rows passed over' in dataset.describe()['label_rule']
    write_csv(path, [row('a.jpg', 8), row('a.jpg', 3)])
    message = r"csv:3: 'a.jpg' is 'surprise', but 'none' on line 2"
    with pytest.raises(ValueError, match=message):
        AffectNet(str(tmp_path), 'test')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('a.jpg,1,2,3,4,5;6,11,0,0', r"csv:3: unknown expression '11'"),
        ('a.jpg,1,2,3,4,5;6,-1,0,0', r"csv:3: .*'-1'.*'10': 'no-face'"),
        ('a.jpg,1,2,3,4,5;6,1.0,0,0', r"csv:3: unknown expression '1\.0'"),
        ('a.jpg,1,2,3,4,5;6,3,0,0,0', r"csv:3: .* 10 columns .*'a\.jpg,1"),
        ('a.jpg,3', r'csv:3: cannot read the row of 2 columns.*the 9 col'),
        (',1,2,3,4,5;6,3,0,0', r'csv:3: cannot read'),
        ('"a.jpg,1,2,3,4,5;6,3,0,0', r'csv:3: cannot read .*"a.*unexpected'),
        ('a.jpg,1,2,3,4,5;6,3,0,"0', r'csv:3: cannot read .*unexpected end'),
        ('"' + 'x' * 200000, r'csv:3: cannot read'),
        ('../a.jpg,1,2,3,4,5;6,3,0,0', r"csv:3: .*'\.\./a.jpg' leads out"),
        ('/etc/passwd,1,2,3,4,5;6,3,0,0', r'csv:3: .*leads out'),
        (','.join(HEADER), r"csv:3: unknown expression 'expression'"),
    ],
)
def test_wrong_rows(tmp_path, line, message):
    touch(tmp_path / 'a.jpg')
    path = tmp_path / 'validation.csv'
    write_csv(path, [row('a.jpg', 3)])
    path.write_text(f'{path.read_text()}{line}\n')
    with pytest.raises(ValueError, match=message):
        AffectNet(str(tmp_path), 'test')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'no image is left'),
        (','.join(HEADER).encode(), r'no image is left.*ids 0-6'),
        (b'subDirectory_filePath,expression\na,1', r'csv:1: the header is'),
        (b'\xfa\xfe\x00', r'csv:1: not UTF-8'),
    ],
)
def test_wrong_csv_files(tmp_path, content, message):
    (tmp_path / 'validation.csv').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        AffectNet(str(tmp_path), 'test')


def npy(array, **kwargs):
    file = io.BytesIO()
    np.save(file, array, **kwargs)
    return file.getvalue()


def npz():
    file = io.BytesIO()
    np.savez(file, np.array('3'))
    return file.getvalue()


class Trap:
    """Unpickled, it would show that it ran."""

    ran = False

    @classmethod
    def spring(cls):
        cls.ran = True

    def __reduce__(self):
        return (Trap.spring, ())


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'No data left'),
        (b'3', 'cannot read the expression'),
        (npy(np.array('3'))[:-2], 'cannot read the expression'),
        (npy(np.array('3')).replace(b"'<U1'", b"'<X1'"), 'cannot read'),
        (npy(np.array('3')).replace(b'{', b'('), 'cannot read'),
        (npy(np.array(['3', '4'])), r'it holds <U1 of shape \(2,\)'),
        (npy(np.array(3.0)), r'it holds float64'),
        (npy(np.array('11')), r"unknown expression '11'.*'10': 'no-face'"),
        (npy(np.array(-1)), r"unknown expression '-1'"),
        (npy(np.array('happy')), r"unknown expression 'happy'"),
        (npz(), 'a zip archive'),
        (npy(np.array(Trap(), object), allow_pickle=True), 'allow_pickle'),
        (pickle.dumps(Trap()), 'allow_pickle'),
    ],
)
def test_wrong_npy_files(tmp_path, content, message):
    root = write_new(tmp_path, 'val', [3, 3])
    path = tmp_path / 'val_set' / 'annotations' / 'val1_exp.npy'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf'val1_exp\.npy: .*{message}'):
        AffectNet(str(root), 'test')
    assert not Trap.ran


def test_npy_of_one_content_is_parsed_once(tmp_path, monkeypatch):
    path = tmp_path / '0_exp.npy'
    np.save(path, np.array('6'))
    assert read_label(path.read_bytes(), str(path)) == 'anger'
    # the next one differs, though name and size are the same
    np.save(path, np.array('7'))
    assert read_label(path.read_bytes(), str(path)) == 'contempt'
    monkeypatch.setattr(np, 'load', None)
    assert read_label(path.read_bytes(), str(path)) == 'contempt'


def test_images_and_annotations_that_are_alone(tmp_path, log):
    root = write_new(tmp_path, 'val', ids_of(TEST))
    folder = tmp_path / 'val_set'
    for number in range(7):
        (folder / 'images' / f'val{number}.jpg').unlink()
    with pytest.raises(FileNotFoundError) as caught:
        AffectNet(str(root), 'test')
    message = str(caught.value)
    assert message.startswith('7 of 35 listed images are absent')
    assert 'annotations/val0_exp.npy: val_set/images/val0.jpg' in message
    assert message.count('_exp.npy: ') == 5
    for number in range(10, 17):
        (folder / 'annotations' / f'val{number}_exp.npy').unlink()
    listed = tmp_path / 'missing.txt'
    listed.write_text(
        ''.join(f'val_set/images/val{i}.jpg\n' for i in range(7))
    )
    assert len(AffectNet(str(root), 'test', leave_out=str(listed))) == 21
    (warning, *_) = [r for r in log.records if 'no annotation' in r.message]
    assert warning.levelname == 'WARNING'
    assert '7 of 43 images, such as val_set/images/val10' in warning.message


def test_two_images_of_one_id(tmp_path):
    root = write_new(tmp_path, 'val', [1, 2])
    (tmp_path / 'val_set' / 'images' / 'val1.PNG').touch()
    with pytest.raises(ValueError, match=r"'val1\.PNG' and 'val1\.jpg'"):
        AffectNet(str(root), 'test')


def test_listed_but_absent(tmp_path):
    root = write_old(tmp_path, 'val', ids_of(TEST))
    for number in range(1, 8):
        (tmp_path / IMAGES / f'{number % 3}' / f'val{number}.jpg').unlink()
    with pytest.raises(FileNotFoundError) as caught:
        AffectNet(str(root), 'test')
    message = str(caught.value)
    assert message.startswith('7 of 35 listed images are absent')
    assert f'validation.csv:3: {IMAGES}/1/val1.jpg' in message
    assert message.count('.jpg\n') == 5


def test_first_folder_absent(tmp_path):
    root = write_old(tmp_path, 'val', [1, 2, 3])
    (tmp_path / IMAGES / '0' / 'val0.jpg').unlink()
    (tmp_path / IMAGES / '0').rmdir()
    message = rf'(?s)1 of 3 listed.*validation\.csv:2: {IMAGES}/0/val0'
    with pytest.raises(FileNotFoundError, match=message):
        AffectNet(str(root), 'test')


def assert_both_layouts_are_told(error):
    message = str(error.value)
    assert 'new release: train_set/images/0.jpg' in message
    assert 'old release: training.csv and validation.csv' in message


def test_neither_release(tmp_path):
    (tmp_path / 'happy').mkdir()
    (tmp_path / 'train_set' / 'images').mkdir(parents=True)
    with pytest.raises(
        FileNotFoundError,
        match=r'(?s)train_set/annotations \(absent\).*: training\.csv \(absent'
        r".*lists/training\.csv \(absent.*holds \['happy', 'train_set'\]"
        r".*train_set' holds \['images'\]",
    ) as caught:
        AffectNet(str(tmp_path))
    assert_both_layouts_are_told(caught)
    with pytest.raises(FileNotFoundError, match=r"gone' is no folder"):
        AffectNet(str(tmp_path / 'gone'))


def test_no_folder_of_images(tmp_path):
    write_csv(tmp_path / 'validation.csv', [row('1/a.jpg', 3)])
    message = r"csv:2: no images: '1/a\.jpg'.*Images/1'.*holds \['valid"
    with pytest.raises(FileNotFoundError, match=message) as caught:
        AffectNet(str(tmp_path), 'test')
    assert_both_layouts_are_told(caught)
    (tmp_path / 'train_set' / 'annotations').mkdir(parents=True)
    message = r"(?s)train_set/images \(absent\).*train_set' holds \['annot"
    with pytest.raises(FileNotFoundError, match=message) as caught:
        AffectNet(str(tmp_path))
    assert_both_layouts_are_told(caught)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'split': 'valid'}, r"no split 'valid'.*'train', 'val', 'test'"),
        ({'split': 'val', 'val_fraction': 0}, r'val_fraction above 0'),
        ({'val_fraction': 1.0}, r'val_fraction is 1\.0'),
        ({'num_classes': 6}, r'no 6 classes; num_classes is 7, or 8'),
        ({'classes': ['awe']}, r"'neutral' is not among .*'awe'"),
    ],
)
def test_wrong_arguments(roots, kwargs, message):
    with pytest.raises(ValueError, match=message):
        AffectNet(roots['old'], **kwargs)


def test_a_path_that_is_written_in_two_ways(tmp_path):
    touch(tmp_path / IMAGES / '1' / 'a.jpg')
    table = [row('1/a.jpg', 1), row('./1//a.jpg', 5)]
    write_csv(tmp_path / 'training.csv', table)
    with pytest.raises(ValueError, match=r"csv:3: '1/a.jpg' is 'disgust', b"):
        AffectNet(str(tmp_path))
