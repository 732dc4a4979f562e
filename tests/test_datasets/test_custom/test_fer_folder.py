import logging
import os
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpretrain.registry import DATASETS
from PIL import Image

from mpafer_plugin.datasets import FERFolder

TRAIN = {'Happy': 40, 'anger': 30, 'gähnend': 20, 'Aha': 10}
CLASSES = ('happiness', 'anger', 'Aha', 'gähnend')


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return str(root)


def write(root, folder, counts):
    """Write class folders of empty images, every third one deeper."""
    for name, count in counts.items():
        for i in range(count):
            deeper = 'person ü/' if i % 3 == 0 else ''
            touch(root, Path(folder, name, f'{deeper}{i}.jpg'))
    return str(root)


def read(*args, **kwargs):
    """Serialising collects garbage first, a third of a second each time."""
    return FERFolder(*args, serialize_data=False, **kwargs)


def paths_of(dataset):
    return [info['img_path'] for info in dataset]


def counts_of(dataset):
    labels = dataset.get_gt_labels()
    return np.bincount(labels, minlength=len(dataset.CLASSES)).tolist()


@pytest.mark.parametrize('folder', ['', 'train', 'TRAIN'])
def test_both_layouts_and_every_class_name(tmp_path, folder):
    root = write(tmp_path, folder, TRAIN)
    dataset = read(root, val_fraction=0)
    assert dataset.metainfo['classes'] == CLASSES
    assert counts_of(dataset) == [40, 30, 10, 20]
    for info in dataset:
        path = Path(info['img_path'])
        assert path.is_file()
        name = path.relative_to(tmp_path / folder).parts[0]
        wanted = name.replace('Happy', 'happiness')
        assert CLASSES[info['gt_label']] == wanted


def test_share_held_out_is_the_same_in_both_layouts(tmp_path):
    write(tmp_path / 'a', '', TRAIN)
    renamed = {**TRAIN, 'happiness': TRAIN['Happy']}
    del renamed['Happy']
    write(tmp_path / 'b', 'Train', renamed)
    held_out = []
    for name, folder in (('a', ''), ('b', 'Train')):
        root = str(tmp_path / name)
        train, val = read(root), read(root, 'val')
        assert counts_of(val) == [4, 3, 1, 2]
        assert counts_of(train) == [36, 27, 9, 18]
        assert not set(paths_of(train)) & set(paths_of(val))
        assert (
            'held out of the training images' in val.describe()['split_rule']
        )
        top = tmp_path / name / folder
        paths = (Path(path).relative_to(top) for path in paths_of(val))
        held_out.append({str(p).replace('Happy', 'happiness') for p in paths})
    assert held_out[0] == held_out[1]
    other = read(str(tmp_path / 'a'), 'val', val_seed=1)
    assert set(paths_of(other)) != set(
        paths_of(read(str(tmp_path / 'a'), 'val'))
    )


@pytest.mark.parametrize('folder', ['val', 'Valid', 'validation'])
def test_val_folder_is_val_and_nothing_is_held_out(tmp_path, folder):
    write(tmp_path, 'train', TRAIN)
    write(tmp_path, folder, {'happiness': 2, 'sad': 1})
    root = write(tmp_path, 'test', {'anger': 3})
    # the classes are those of all parts
    classes = ('happiness', 'sadness', 'anger', 'Aha', 'gähnend')
    for kwargs in ({}, {'val_fraction': 0}):
        val = read(root, 'val', **kwargs)
        assert val.metainfo['classes'] == classes
        assert counts_of(val) == [2, 1, 0, 0, 0]
        assert val.describe()['split_rule'] == 'the validation images'
        train = read(root, **kwargs)
        assert counts_of(train) == [40, 0, 30, 10, 20]
        assert (
            'nothing held out, as there are val'
            in train.describe()['split_rule']
        )
        test = read(root, 'test', **kwargs)
        assert counts_of(test) == [0, 0, 3, 0, 0]
        assert test.describe()['split_rule'] == 'the test images'
        assert test.test_mode and not train.test_mode


def test_given_classes_meet_by_alias(tmp_path, log):
    root = write(tmp_path, '', {'Happy': 3, 'Bored': 2})
    classes = ['Bored', 'fear', 'happiness']
    dataset = read(root, classes=classes, val_fraction=0)
    assert dataset.metainfo['classes'] == tuple(classes)
    assert counts_of(dataset) == [2, 0, 3]
    # a class without any folder
    assert "there are no images of ['fear']" in log.text
    (tmp_path / 'classes.txt').write_text('Happy\nBored\n')
    listed = read(root, classes=str(tmp_path / 'classes.txt'))
    assert listed.metainfo['classes'] == ('Happy', 'Bored')
    info = {'classes': ('Bored', 'Happy')}
    given = read(root, metainfo=info, val_fraction=0)
    assert counts_of(given) == [2, 3]


def test_accents_apart_or_together_are_one_name(tmp_path):
    apart, together = 'ga\u0308hnend', 'g\xe4hnend'
    root = touch(tmp_path, f'train/{apart}/1.jpg', f'test/{together}/1.jpg')
    assert read(root).metainfo['classes'] == (together,)
    for classes in ([apart], [together]):
        assert len(read(root, classes=classes)) == 1
        assert len(read(root, 'test', classes=classes)) == 1


def test_numbers_are_names(tmp_path):
    root = write(tmp_path, '', {'0': 2, '10': 1, '2': 3})
    dataset = read(root, val_fraction=0)
    assert dataset.metainfo['classes'] == ('0', '10', '2')
    assert counts_of(dataset) == [2, 1, 3]
    with pytest.raises(ValueError, match='by name, never by position'):
        read(root, classes=['happy', 'sad', 'bored'])


def test_lazy_init_knows_the_classes(tmp_path):
    lazy = read(write(tmp_path, 'train', TRAIN), lazy_init=True)
    assert lazy.metainfo['classes'] == CLASSES
    assert 'by the name of the class folder' in repr(lazy)
    assert len(lazy) == 90


def test_registered_with_a_pipeline(tmp_path):
    root = write(tmp_path, 'train', {'Happy': 2})
    for path in tmp_path.rglob('*.jpg'):
        _, data = cv2.imencode('.jpg', np.full((8, 6, 3), 7, np.uint8))
        path.write_bytes(data.tobytes())
    pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'PackInputs'}]
    cfg = {'type': 'FERFolder', 'data_root': root, 'pipeline': pipeline}
    packed = DATASETS.build(cfg)[0]
    assert packed['inputs'].shape == (3, 8, 6)
    assert packed['data_samples'].gt_label.tolist() == [0]


def test_endings_and_what_is_left_out(tmp_path, log):
    endings = ('.JPG', '.jfif', '.jpe', '.Png', '.bmp', '.tif', '.TIFF')
    endings += ('.webp', '.pgm')
    images = [f'train/fear/{i}{e}' for i, e in enumerate(endings)]
    others = ['train/fear/a.csv', 'train/fear/a/x.gif', 'train/sad/none']
    outside = ['train/lost.jpg', 'README.md', 'notes/a.txt']
    litter = ['__MACOSX/train/fear/1.jpg', 'train/@eaDir/1.jpg']
    litter += ['train/fear/.hidden', 'train/fear/Thumbs.db']
    root = touch(tmp_path, *images, *others, *outside, *litter)
    dataset = read(root, val_fraction=0)
    assert dataset.metainfo['classes'] == ('sadness', 'fear')
    assert paths_of(dataset) == [f'{root}/{path}' for path in images]
    (warning,) = [r for r in log.records if 'left out' in r.message][:1]
    assert warning.levelname == 'WARNING'
    for text in (
        "2 files of 'fear' that OpenCV does not decode, such as 'train/f",
        "1 files of 'sad' that OpenCV does not decode, such as 'train/s",
        "1 images in no class folder, such as 'train/lost.jpg'",
    ):
        assert text in warning.message
    assert re.search("3 files and folders outside .* 'README", log.text)


def test_other_names_are_read_by_content(tmp_path, log):
    folder = tmp_path / 'sad'
    folder.mkdir()
    image = Image.new('RGB', (8, 8), 'red')
    images = {'a.jp2': 'JPEG2000', 'b': 'PNG', 'c.img': 'JPEG', 'd': 'WEBP'}
    for kind in ('AVIF', 'GIF'):  # if Pillow and OpenCV have them
        if kind in Image.SAVE and cv2.haveImageWriter(f'a.{kind.lower()}'):
            images[f'x.{kind.lower()}'] = kind
    for name, kind in images.items():
        image.save(folder / name, kind)
    for name, content in (('n.txt', b'P1 happy'), ('y.heic', b'ftypheic')):
        (folder / name).write_bytes(content)
    image.save(folder / 'z.ico')  # OpenCV does not decode it
    pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'PackInputs'}]
    dataset = read(str(tmp_path), val_fraction=0, pipeline=pipeline)
    assert [
        Path(path).name
        for path in [
            i['img_path']
            for i in map(dataset.get_data_info, range(len(dataset)))
        ]
    ] == [*images]
    for item in dataset:
        assert item['inputs'].shape == (3, 8, 8)
    assert "3 files of 'sad' that OpenCV does not decode" in log.text


def test_a_folder_with_the_name_of_an_image(tmp_path, log):
    root = touch(tmp_path, 'sad/1.jpg/a.jpg', 'sad/2.jpg')
    (tmp_path / 'sad/3.jpg').symlink_to('nowhere')
    dataset = read(root, val_fraction=0)
    paths = [f'{root}/sad/1.jpg/a.jpg', f'{root}/sad/2.jpg']
    assert paths_of(dataset) == paths
    assert "1 files of 'sad' that OpenCV does not decode" in log.text


def test_persons_in_folders(tmp_path, log):
    paths = [
        f'{label}/{person}/{i}.jpg'
        for label in ('happy', 'sad')
        for person in 'ABCD'
        for i in range(10)
    ]
    root = touch(tmp_path, *paths)

    def persons(split, **kwargs):
        dataset = read(root, split, **kwargs)
        return {Path(path).parent.name for path in paths_of(dataset)}

    assert persons('train') == persons('val') == set('ABCD')
    (warning,) = [r for r in log.records if r.levelname == 'WARNING']
    assert '4 of the 4 persons' in warning.message
    assert "group='(.+?)/'" in warning.message
    for group in ('(.+?)/', '^[A-D]'):
        held_out = persons('val', group=group)
        assert len(held_out) == 1
        assert persons('train', group=group) == set('ABCD') - held_out
    with pytest.raises(ValueError, match=r"happy/A/0.*group='x' matches no"):
        read(root, group='x')
    with pytest.raises(ValueError, match=r"group='\(' is no regular expr"):
        read(root, group='(')


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b'caf\xe9.jpg')
    paths = [f'{label}/{n}' for label in 'ab' for n in ('1.jpg', name)]
    root = touch(tmp_path, *paths)
    kwargs = dict(val_fraction=0.5)
    found = [
        p for s in ('train', 'val') for p in paths_of(read(root, s, **kwargs))
    ]
    assert sorted(found) == sorted(f'{root}/{path}' for path in paths)
    touch(tmp_path, os.fsdecode(b'\xe9/1.jpg'))
    with pytest.raises(ValueError, match=r"udce9'.* class folder .*UTF-8"):
        read(root)


def test_empty_class_folder_is_a_class(tmp_path, log):
    (tmp_path / 'test' / 'fear').mkdir(parents=True)
    root = touch(tmp_path, 'test/sad/1.jpg')
    assert counts_of(read(root, 'test')) == [1, 0]
    assert "there are no images of ['fear']" in log.text


def test_no_test_images(tmp_path):
    root = write(tmp_path, '', TRAIN)
    with pytest.raises(
        FileNotFoundError,
        match=r"split='test', but .*part 'test'.*only of \['train'\].*holds "
        r"\['Aha'.*put them in test/<class>/, and the present ones in "
        r"train/<class>/, or test on split='val', knowing",
    ):
        read(root, 'test')
    write(tmp_path / 'b', 'valid', TRAIN)
    for split, advice in (
        ('train', r'put them in train/<class>/$'),
        ('test', r'put them in test/<class>/, or test on'),
    ):
        message = rf"split='{split}', but.*only of \['val'\].*{advice}"
        with pytest.raises(FileNotFoundError, match=message):
            read(str(tmp_path / 'b'), split)


@pytest.mark.parametrize(
    ('paths', 'message'),
    [
        (['happy/1.jpg', 'Happiness/1.jpg'], r"'Happiness' and 'happy' mean"),
        (['val/a/1.jpg', 'Valid/a/1.jpg'], r"'Valid' and 'val' are both the"),
        (
            ['train/Odd/1.jpg', 'test/odd/1.jpg'],
            r"Odd: 'Odd' and 'odd' .*in case",
        ),
        (['train/fear/a.txt'], r"no image is left.*1 files.*'train/fear/a"),
    ],
)
def test_wrong_folders(tmp_path, paths, message):
    with pytest.raises(ValueError, match=message):
        read(touch(tmp_path, *paths))


@pytest.mark.parametrize(
    ('folders', 'message'),
    [
        ([], r'no class folders in .* holds \[\]'),
        (['train', 'test'], r"test' holds \[\].*train' holds \[\]"),
    ],
)
def test_no_images_at_all(tmp_path, folders, message):
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(FileNotFoundError, match=message) as caught:
        read(str(tmp_path))
    assert 'with split folders: train/<class>/1.jpg' in str(caught.value)
    assert 'without: <class>/1.jpg' in str(caught.value)


def test_no_such_folder(tmp_path):
    for lazy in (False, True):
        with pytest.raises(FileNotFoundError, match=r"gone' is no folder"):
            read(str(tmp_path / 'gone'), lazy_init=lazy)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'split': 'valid'}, r"no split 'valid'.*'train', 'val', 'test'"),
        ({'val_fraction': 1}, r'val_fraction is 1'),
        (
            {'split': 'val', 'val_fraction': 0},
            r'val_fraction above 0, or bring validation images: put '
            r'them in val/<class>/, and the present ones',
        ),
        (
            {'classes': ['bored']},
            r"/Aha: 'Aha' is not among .*\['bored'\]; the",
        ),
        (
            {'classes': ['Happy', 'anger', 'gähnend', 'aha']},
            r"/Aha: 'Aha' is not .*labels here are \['Aha'.*did you mean 'aha",
        ),
        (
            {'classes': ['Happy', 'happiness']},
            r"two of the classes \['Happy', 'happiness'\] are 'happiness'",
        ),
        (
            {'split': 'val', 'val_fraction': 0.001},
            r'rounds to no image: the largest class has',
        ),
    ],
)
def test_wrong_arguments(tmp_path, kwargs, message):
    root = write(tmp_path, '', TRAIN)
    with pytest.raises(ValueError, match=message):
        read(root, **kwargs)


def test_counts_in_the_log(tmp_path, log):
    read(write(tmp_path, 'train', TRAIN), 'val')
    warning, record = log.records
    assert '1 of the 1 persons (or clips)' in warning.message
    assert record.levelno == logging.INFO
    assert re.search(r'read +40 +30 +10 +20 +100\n', record.message)
    assert re.search(r'this split +4 +3 +1 +2 +10$', record.message)
    assert Counter(record.message)['\n'] == 6


def test_a_link_that_leads_back(tmp_path):
    write(tmp_path, 'train', TRAIN)
    (tmp_path / 'train' / 'Happy' / 'again').symlink_to(tmp_path / 'train')
    with pytest.raises(ValueError, match=r'Happy/again/.*leads back to'):
        read(str(tmp_path))
