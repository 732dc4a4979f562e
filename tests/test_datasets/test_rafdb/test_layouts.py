"""One copy of RAF-DB in every layout that users have."""

import re

import pytest

from mpafer_plugin.datasets import RAFDB
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.rafdb.labels import BASIC_LABELS, image_key
from mpafer_plugin.datasets.rafdb.layouts import read_folders
from tests.rafdb_copies import (
    IMAGES,
    apvit,
    cub,
    edit,
    flat_apvit,
    kaggle,
    kaggle_inside,
    named,
    numbered,
    official,
    put,
)

TITLES = {
    official: 'official layout, by basic/EmoLabel/list_patition_label.txt',
    apvit: 'APViT layout, by basic/EmoLabel/train.txt',
    flat_apvit: 'APViT layout, by train.txt',
    numbered: 'class folders layout, by DATASET/train',
    kaggle: 'class folders layout, by DATASET/train',
    kaggle_inside: 'class folders layout, by DATASET/train',
    named: 'class folders layout, by train',
    cub: 'CUB layout, by images.txt',
}
CROPS = {official: 'official aligned faces', apvit: 're-aligned, 224 x 224'}


def read(root, split='train', **kwargs):
    """Names and labels of what is read."""
    dataset = RAFDB(str(root), split, **kwargs)
    labels, classes = {}, dataset.CLASSES  # which copies at each access
    for info in dataset:
        key = image_key(info['img_path'])
        assert key not in labels
        labels[key] = classes[info['gt_label']]
    return labels


@pytest.mark.parametrize('write', TITLES)
def test_every_layout_gives_the_same(write, tmp_path, tmp_path_factory, log):
    reference = tmp_path_factory.mktemp('official')
    official(reference)
    write(tmp_path)
    for split, count in (('train', 77), ('val', 7), ('test', 21)):
        labels = read(tmp_path, split)
        assert len(labels) == count
        assert labels == read(reference, split)
    for name, label in IMAGES['test'].items():
        assert labels[f'{name}.jpg'] == BASIC_LABELS[label]
    assert not [r for r in log.records if 'lie beside' in r.message]


@pytest.mark.parametrize('write', TITLES)
def test_the_log_tells_layout_and_crop(write, tmp_path, log):
    write(tmp_path)
    RAFDB(str(tmp_path))
    message = log.records[-1].message
    assert f'label rule: as annotated, {TITLES[write]}\n' in message
    crop = CROPS.get(write, CROPS[apvit] if write is flat_apvit else 'as in')
    assert f'crop: {crop}' in message


def test_the_first_layout_wins(tmp_path):
    for write in (cub, named, kaggle, apvit, official):
        write(tmp_path)
        rule = RAFDB(str(tmp_path)).describe()['label_rule']
        assert rule == f'as annotated, {TITLES[write]}'


@pytest.mark.parametrize('write', [apvit, kaggle, named, cub])
def test_original_photos_are_official_only(write, tmp_path):
    write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'aligned=False needs the of'):
        RAFDB(str(tmp_path), aligned=False)


def test_images_that_are_not_there_make_no_layout(tmp_path):
    official(tmp_path)
    (tmp_path / 'basic/Image/aligned').rename(tmp_path / 'basic/Image/x')
    message = (
        r'label\.txt \(present\), basic/Image/aligned \(absent\)(.|\n)*'
        r"Image' holds \['x'\]"
    )
    with pytest.raises(FileNotFoundError, match=message):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
@pytest.mark.parametrize('bom', ['', '\ufeff'])
@pytest.mark.parametrize('write', [official, apvit, kaggle, cub])
def test_line_endings_and_bom(write, newline, bom, tmp_path):
    write(tmp_path)
    before = read(tmp_path)
    for path in [*tmp_path.rglob('*.txt'), *tmp_path.rglob('*.csv')]:
        put(path, bom + path.read_text().replace('\n', newline))
    assert read(tmp_path) == before


def test_upper_case_endings_and_other_names(tmp_path, log):
    for name in ('train_00001_aligned.JPG', 'é ü.Png', 'notes.txt'):
        put(tmp_path / f'train/4/{name}')
    put(tmp_path / 'train/3/é ü.Png')
    dataset = RAFDB(str(tmp_path), val_fraction=0)
    names = [info['img_path'].split('/')[-1] for info in dataset]
    assert names == ['é ü.Png', 'train_00001_aligned.JPG', 'é ü.Png']
    assert "no images of ['neutral', 'sadness'" in log.records[1].message


def test_unlisted_images_of_class_folders(tmp_path, log):
    kaggle(tmp_path)
    put(tmp_path / 'DATASET/train/1/train_99999_aligned.jpg')
    assert len(read(tmp_path, val_fraction=0)) == 84
    assert '1 images lie beside the listed' in log.records[0].message


def test_unlisted_images_of_a_class_without_listed_ones(tmp_path, log):
    kaggle(tmp_path)
    table = tmp_path / 'train_labels.csv'
    table.write_text(re.sub(r'.*,4\n', '', table.read_text()))
    assert len(read(tmp_path, val_fraction=0)) == 72
    assert '12 images lie beside the listed' in log.records[0].message


def test_classes_txt_says_what_numbers_mean(tmp_path):
    cub(tmp_path)
    before = read(tmp_path)
    path = tmp_path / 'image_class_labels.txt'
    path.write_text(re.sub(r' (\d)', r' 10\1', path.read_text()))
    names = (f'10{i} 00{i}.{name}\n' for i, name in BASIC_LABELS.items())
    put(tmp_path / 'classes.txt', ''.join(names))
    assert read(tmp_path) == before
    edit(tmp_path / 'classes.txt', '003.disgust', '003.awe')
    with pytest.raises(ValueError, match=r"classes\.txt:3: unknown .*'awe'"):
        RAFDB(str(tmp_path))


def test_cub_without_a_folder_of_images(tmp_path):
    cub(tmp_path, '.')
    assert len(read(tmp_path, 'test')) == 21


def test_compound_folders_by_name_only(tmp_path):
    put(tmp_path / 'train/Sadly_Angry/train_0001_aligned.jpg')
    kwargs = dict(compound=True, val_fraction=0)
    assert read(tmp_path, **kwargs) == {'train_0001.jpg': 'sadly angry'}
    put(tmp_path / 'train/4/train_0002_aligned.jpg')
    with pytest.raises(ValueError, match=r'train/4: numbered class folders'):
        RAFDB(str(tmp_path), **kwargs)


def test_each_folder_is_listed_once(tmp_path, monkeypatch):
    """On network disks it takes long."""
    named(tmp_path)
    listed, scan = [], DataRoot.scan
    monkeypatch.setattr(
        DataRoot,
        'scan',
        lambda root, name: listed.append(name) or scan(root, name),
    )
    samples = read_folders(
        DataRoot(str(tmp_path)), 'train', None, BASIC_LABELS
    )
    assert len(list(samples)) == 84
    classes = {path.name for path in (tmp_path / 'train').iterdir()}
    expected = ['train', *(f'train/{name}' for name in classes)]
    assert sorted(listed) == sorted(expected)
