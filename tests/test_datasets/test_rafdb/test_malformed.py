"""Lists and folders of RAF-DB with something wrong in them."""

import pytest

from mpafer_plugin.datasets import RAFDB
from tests.rafdb_copies import apvit, cub, edit, kaggle, official, put

FIRST = 'train_00001_aligned.jpg'
LINES = [
    (apvit, 'train.txt', f'{FIRST} 2', f'{FIRST} 8', r':1: unknown label .8'),
    (apvit, 'train.txt', f'{FIRST} 2', f'{FIRST} 2 0', r':1: cannot read'),
    (apvit, 'train.txt', FIRST, 'train_00002.jpg', r':2: .* twice, .*txt:1'),
    (apvit, 'train.txt', FIRST, 'test_9.jpg', r':1: .* test part by its name'),
    (kaggle, 'labels.csv', f'{FIRST},2', f'{FIRST},3', r":2: .*is in \['DA"),
    (kaggle, 'labels.csv', f'{FIRST},2', f'{FIRST},0', r":2: unknown .*'0'"),
    (kaggle, 'labels.csv', f'{FIRST},2', f'{FIRST},2,', r':2: cannot read'),
    (kaggle, 'labels.csv', f'{FIRST},2', FIRST, r':2: cannot read the row'),
    (kaggle, 'labels.csv', 'image,label\n', '', r':1: the header is .*, not '),
    (kaggle, 'labels.csv', 'image,', ',image,', r':1: the header is'),
    (kaggle, 'labels.csv', '_00002_', '_00001_', r':3: .*labelled'),
    (kaggle, 'labels.csv', FIRST, '../x.jpg', r':2: .*leads out of'),
    (cub, 'images.txt', '\n2 train_00002', '\n2 ../../x', r':2: .*leads out'),
    (
        cub,
        'images.txt',
        '2 train_00002.jpg\n',
        '',
        r'labels\.txt:2: the id .2',
    ),
    (cub, 'images.txt', '\n2 train', '\n1 train', r':2: the id .1. is listed'),
    (cub, 'images.txt', '\n2 train_', '\n2 3 train_', r':2: cannot read'),
    (cub, 'class_labels.txt', '\n2 3\n', '\n2 0\n', r':2: unknown label .0'),
    (cub, 'split.txt', '\n2 1\n', '\n2 2\n', r":2: unknown part '2'"),
    (cub, 'split.txt', '\n2 1\n', '\n2 0\n', r':2: .*train part by its name'),
]


@pytest.mark.parametrize(('write', 'listed', 'old', 'new', 'message'), LINES)
def test_wrong_lines(write, listed, old, new, message, tmp_path):
    write(tmp_path)
    path = next(p for p in sorted(tmp_path.rglob(f'*{listed}'))[::-1])
    edit(path, old, new)
    with pytest.raises(ValueError, match=message):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize(
    ('write', 'listed'),
    [(official, 'label.txt'), (apvit, 'train.txt'), (kaggle, 'labels.csv'),
     (cub, 'images.txt')],
)  # fmt: skip
def test_listed_but_absent(write, listed, tmp_path):
    write(tmp_path)
    (image,) = tmp_path.rglob('train_00001*.jpg')
    # the ending counts: names are the same on no system alone
    image.rename(image.with_suffix('.JPG'))
    with pytest.raises(
        FileNotFoundError,
        match=rf'1 of 84 listed images are(.|\n)*{listed}:[12]: .*\.jpg',
    ):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        ('train/8/a.jpg', r"train/8: unknown label '8'; .*7: 'neutral'"),
        ('train/Smile/a.jpg', r"train/Smile: unknown label 'Smile'"),
        ('train/a.JPG', r'train/a\.JPG: the image is in no class folder'),
        ('train/2/test_0001.jpg', r'an image of the test part by its name'),
        ('train/2/train_00001.jpg', r"'train_00001\.jpg' is listed twice"),
    ],
)
def test_wrong_class_folders(image, message, tmp_path):
    put(tmp_path / 'train/1/train_00001_aligned.jpg')
    put(tmp_path / image)
    with pytest.raises(ValueError, match=message):
        RAFDB(str(tmp_path))


def test_rows_that_agree_are_one(tmp_path):
    official(tmp_path)
    (listed,) = tmp_path.rglob('list_patition_label.txt')
    lines = listed.read_text().splitlines()
    listed.write_text('\n'.join([*lines, lines[0], lines[0], lines[-1]]))
    dataset = RAFDB(str(tmp_path), val_fraction=0)
    assert len(dataset) == 84
    assert '; 2 repeated rows' in dataset.describe()['label_rule']


def test_a_folder_in_a_class_folder(tmp_path):
    kaggle(tmp_path)
    put(tmp_path / 'DATASET' / 'train' / '2' / 'more' / 'train_09999.jpg')
    with pytest.raises(ValueError, match=r"train/2: the folder 'more' would"):
        RAFDB(str(tmp_path))


def test_two_names_of_one_class(tmp_path):
    official(tmp_path)
    classes = ['happy', 'happiness', 'sad', 'anger', 'fear']
    with pytest.raises(ValueError, match=r"two of the classes .*'happiness'"):
        RAFDB(str(tmp_path), classes=classes)
