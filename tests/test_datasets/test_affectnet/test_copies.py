"""AffectNet in numbered class folders, and with a table of ids."""

import pytest

from mpafer_plugin.datasets import AffectNet
from mpafer_plugin.datasets.categories import EXPRESSIONS


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def read(root, split='test', **kwargs):
    kwargs = dict(serialize_data=False) | kwargs
    return AffectNet(str(root), split, **kwargs)


def labels(dataset):
    return {
        info['img_path'].rsplit('/', 1)[1]: dataset.CLASSES[info['gt_label']]
        for info in dataset
    }


@pytest.mark.parametrize('top', ['val_set', 'val'])
@pytest.mark.parametrize('named', [False, True])
def test_class_folders(tmp_path, top, named):
    for number, name in enumerate(EXPRESSIONS):
        folder = name.capitalize() if named else str(number)
        touch(tmp_path / top / folder / f'image{number}.jpg')
    dataset = read(tmp_path, num_classes=8)
    expected = {f'image{i}.jpg': name for i, name in enumerate(EXPRESSIONS)}
    assert labels(dataset) == expected
    seven = read(tmp_path)
    assert len(seven) == 7
    assert '1 contempt (7)' in seven.describe()['label_rule']
    assert f'by {top}' in seven.describe()['label_rule']


def write_table(root, lines, name='val_set_annotation_without_lnd.csv'):
    (root / name).write_text('\n'.join(lines))
    for line in lines[1:]:
        touch(root / 'val_set' / 'images' / f'{line.split(",")[0]}.jpg')


@pytest.mark.parametrize('column', ['expression', 'exp'])
@pytest.mark.parametrize('ending', ['_annotation_without_lnd', ''])
def test_tables(tmp_path, column, ending):
    lines = [f'number,{column},valence,arousal', '12,3,0.1,0.2', '7,10,0,0']
    write_table(tmp_path, lines, f'val_set{ending}.csv')
    dataset = read(tmp_path)
    assert labels(dataset) == {'12.jpg': 'surprise'}
    assert '1 no-face (10)' in dataset.describe()['label_rule']


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (['number,valence', '1,0'], r"csv:1: .*'valence'\]; .*'exp'"),
        (['number,exp,exp', '1,2,3'], "csv:1: the column 'exp' stands twice"),
        (['number,exp', '1,11'], "csv:2: unknown expression '11'"),
        (['number,exp', '1,2,3'], "csv:2: cannot read the row '1,2,3'"),
        (['number,exp', '1,2', '1,3'], "csv:3: '1' is 'surprise', but 'sad"),
    ],
)
def test_wrong_tables(tmp_path, lines, message):
    write_table(tmp_path, lines)
    with pytest.raises(ValueError, match=message):
        read(tmp_path)


def test_listed_but_absent(tmp_path):
    write_table(tmp_path, ['number,exp', '1,2', '5,3'])
    (tmp_path / 'val_set' / 'images' / '5.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'csv:3: val_set/images/5'):
        read(tmp_path)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('11/1.jpg', "val_set/11: unknown expression '11'"),
        ('bored/1.jpg', "val_set/bored: unknown expression 'bored'"),
        ('1.jpg', r'val_set/1\.jpg: the image is in no class folder'),
        ('3/more/1.jpg', r"val_set/3: the folder 'more' would not be read"),
    ],
)
def test_wrong_folders(tmp_path, name, message):
    for path in ('0/0.jpg', name):
        touch(tmp_path / 'val_set' / path)
    with pytest.raises(ValueError, match=message):
        read(tmp_path)
