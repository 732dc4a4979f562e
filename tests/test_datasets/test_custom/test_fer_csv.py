from pathlib import Path

import numpy as np
import pytest
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import FERCsv
from mpafer_plugin.datasets.data_root import DataRoot

HEADER = 'path,label,split'
LABELS = ('Happy',) * 40 + ('anger',) * 30 + ('gähnend',) * 20 + ('Aha',) * 10
CLASSES = ('happiness', 'anger', 'Aha', 'gähnend')


def write(root, lines, newline='\n', bom='', name='labels.csv'):
    """Write a CSV and an empty image for the first field of each row."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes((bom + newline.join(lines)).encode())
    for line in lines[1:]:
        path = line.split(',')[0]
        if path.lower().endswith('g') and '..' not in path and path[0] != '/':
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
    return str(root)


def train_lines():
    rows = (f'ü {i % 3}/{i}.jpg,{label}' for i, label in enumerate(LABELS))
    return ['path,label', *rows]


def read(*args, **kwargs):
    """Serialising collects garbage first, a third of a second each time."""
    return FERCsv(*args, serialize_data=False, **kwargs)


def paths_of(dataset):
    return [info['img_path'] for info in dataset]


def counts_of(dataset):
    labels = dataset.get_gt_labels()
    return np.bincount(labels, minlength=len(dataset.CLASSES)).tolist()


def test_file_is_parsed_once(tmp_path, monkeypatch):
    root = write(tmp_path, train_lines())
    parsed = []
    rows = DataRoot.rows
    monkeypatch.setattr(
        DataRoot,
        'rows',
        lambda self, name, *args: parsed.append(name) or rows(self, name),
    )
    dataset = read(root)
    assert (len(dataset), parsed) == (90, ['labels.csv'])
    # Rows are released once read, but can be read again.
    assert len(dataset.load_samples()) == 100
    assert parsed == ['labels.csv'] * 2


def test_without_split_a_share_is_held_out(tmp_path):
    root = write(tmp_path, train_lines())
    whole = read(root, val_fraction=0)
    assert whole.metainfo['classes'] == CLASSES
    assert counts_of(whole) == [40, 30, 10, 20]
    first = whole.get_data_info(0)
    assert first['img_path'] == str(tmp_path / 'ü 0' / '0.jpg')
    assert first['gt_label'] == 0
    train, val = read(root), read(root, 'val')
    assert counts_of(val) == [4, 3, 1, 2]
    assert counts_of(train) == [36, 27, 9, 18]
    assert not set(paths_of(train)) & set(paths_of(val))
    turned = tmp_path / 'turned'
    turned.mkdir()
    header, *rows = train_lines()
    again = read(write(turned, [header, *rows[::-1]]), 'val')
    assert {Path(p).name for p in paths_of(again)} == {
        Path(p).name for p in paths_of(val)
    }


@pytest.mark.parametrize('val', ['val', 'Valid', ' validation '])
def test_split_column(tmp_path, val):
    lines = [HEADER, 'a.jpg,sad,TRAIN', f'b.jpg,happiness,{val}']
    lines += ['c.JPG,Happy,train', 'd.png,bored,test', 'e.png,Sad,test']
    root = write(tmp_path, lines)
    classes = ('happiness', 'sadness', 'bored')
    counts = {'train': [1, 1, 0], 'val': [1, 0, 0], 'test': [0, 1, 1]}
    for split, expected in counts.items():
        dataset = read(root, split, val_fraction=0)
        assert dataset.metainfo['classes'] == classes
        assert counts_of(dataset) == expected
    # nothing more is held out
    assert len(read(root, val_fraction=0.5)) == 2


def test_columns_in_any_order_and_others_passed_over(tmp_path):
    lines = ['subject,Split,Label,Path', '"Ann, the first",test,fear,a.jpg']
    (tmp_path / 'a.jpg').touch()
    dataset = read(write(tmp_path, lines), 'test')
    assert paths_of(dataset) == [str(tmp_path / 'a.jpg')]
    assert dataset.metainfo['classes'] == ('fear',)


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
@pytest.mark.parametrize('bom', ['', '\ufeff'])
def test_line_endings_bom_and_blank_lines(tmp_path, newline, bom):
    lines = ['path,label', '', 'ä.jpg,Öd', '   ', 'b.jpg , fear', '']
    (tmp_path / 'b.jpg').touch()
    dataset = read(write(tmp_path, lines, newline, bom), val_fraction=0)
    assert dataset.metainfo['classes'] == ('fear', 'Öd')
    assert dataset.get_gt_labels().tolist() == [1, 0]


def test_given_classes(tmp_path, log):
    lines = ['path,label', 'a.jpg,Happy', 'b.jpg,happiness', 'c.jpg,Bored']
    root = write(tmp_path, lines, name='lists/my.csv')
    classes = ['Bored', 'fear', 'happy']
    dataset = read(
        root, ann_file='lists/my.csv', classes=classes, val_fraction=0
    )
    assert dataset.metainfo['classes'] == tuple(classes)
    assert counts_of(dataset) == [1, 0, 2]
    assert "there are no images of ['fear']" in log.text
    assert 'label rule: as annotated in lists/my.csv' in log.text


def test_registered_and_lazy(tmp_path):
    cfg = {'type': 'FERCsv', 'data_root': write(tmp_path, train_lines())}
    lazy = DATASETS.build({**cfg, 'lazy_init': True})
    assert lazy.metainfo['classes'] == CLASSES
    assert len(lazy) == 90


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([''], r"csv:1: the header is \[\]; expected a header with.*'path'"),
        (['a.jpg,sad'], r"csv:1: the header is \['a\.jpg', 'sad'\]; expected"),
        (['path,emotion'], r"csv:1: the header is \['path', 'emotion'\]; exp"),
        (['path:label'], r"\['path:label'\]; .*'path,label,split'"),
        (['path,label,Label'], r"csv:1: the column 'label' stands twice"),
        ([HEADER], r'csv: no row follows the header'),
        ([HEADER, '', 'a.jpg,sad'], r"csv:3: 2 fields in .*'a\.jpg,sad'; .*3"),
        ([HEADER, 'a.jpg,sad,test,x'], r"csv:2: 4 fields in .*'path,label,sp"),
        ([HEADER, ',sad,test'], r'csv:2: the path is empty'),
        ([HEADER, 'a.jpg, ,test'], r'csv:2: the label is empty'),
        (
            [HEADER, 'a.jpg,sad,dev'],
            r"csv:2: unknown split 'dev'; .*'train', 'val', 'valid', 'valida",
        ),
        ([HEADER, 'a.jpg,sad,'], r"csv:2: unknown split ''"),
        (
            [HEADER, 'a.jpg,sad,train', './a.jpg,fear,test'],
            r"csv:3: '\./a\.jpg' is {'label': 'fear', 'split': 'test'}, but "
            r"{'label': 'sadness', 'split': 'train'} on line 2",
        ),
        (
            [HEADER, 'a.jpg,sad,train', 'a.jpg,sad,test'],
            r"csv:3: 'a\.jpg' is .* 'test'}, but .* 'train'} on line 2",
        ),
        ([HEADER, 'x\\a.jpg,sad,train'], r'csv:2: the path .* has a backsl'),
        ([HEADER, '../x.jpg,sad,train'], r"csv:2: .*'\.\./x.jpg' leads out"),
        ([HEADER, '/x.jpg,sad,train'], r"csv:2: .*'/x\.jpg' leads out"),
        (
            [HEADER, 'a.jpg,Odd,train', 'b.jpg,odd,test'],
            r"csv:3: 'odd' and 'Odd' \(.*csv:2\) differ in case only",
        ),
    ],
)
def test_wrong_files(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path, lines))


def test_rows_that_contradict_are_all_listed(tmp_path):
    lines = ['path,label', *(f'{i}.jpg,sad' for i in range(25))]
    lines += [f'{i}.jpg,{"sad" if i == 3 else "fear"}' for i in range(25)]
    with pytest.raises(ValueError, match='24 rows contradict') as caught:
        read(write(tmp_path, lines))
    _, *shown, more = str(caught.value).splitlines()
    assert [line.split(':')[1] for line in shown] == [
        str(27 + i) for i in range(21) if i != 3
    ]
    assert "'0.jpg' is {'label': 'fear'" in shown[0]
    assert more == 'and 4 more'


def test_rows_that_agree_are_one(tmp_path):
    lines = ['path,label,note', 'a.jpg,Happy,x', 'b.jpg,sad,y']
    root = write(tmp_path, [*lines, './a.jpg,happiness,z', 'a.jpg,Happy,x'])
    dataset = read(root, val_fraction=0)
    assert counts_of(dataset) == [1, 1]
    rule = dataset.describe()['label_rule']
    assert rule == 'as annotated in labels.csv; 2 repeated rows passed over'


def persons(counts):
    """Rows of persons with so many images of each of two classes."""
    return ['path,label,Subject'] + [
        f'{person}{label}{i}.jpg,{label},{person}'
        for person, count in counts.items()
        for label in ('happy', 'sad')
        for i in range(count)
    ]


def people(dataset):
    return {Path(path).name[0] for path in paths_of(dataset)}


def test_persons_in_training_and_validation(tmp_path, log):
    root = write(tmp_path, persons(dict.fromkeys('ABCD', 10)))
    assert people(read(root)) & people(read(root, 'val')) == set('ABCD')
    (warning,) = [r for r in log.records if r.levelname == 'WARNING']
    assert '4 of the 4 persons' in warning.message
    assert "group='Subject'" in warning.message


def test_persons_are_held_out_whole(tmp_path, log):
    counts = dict(A=3, B=30, C=3, D=4, E=20, F=20, G=3)
    for seed in range(5):
        root = write(tmp_path, persons(counts))
        kwargs = dict(group='subject', val_seed=seed)
        train, val = read(root, **kwargs), read(root, 'val', **kwargs)
        assert people(train) | people(val) == set(counts)
        assert not people(train) & people(val)
        # as near to 8.3 as persons go, whoever comes first
        assert counts_of(val)[0] == counts_of(val)[1]
        assert 6 <= counts_of(val)[0] <= 10
        assert "groups by 'subject'" in val.describe()['split_rule']
    assert not [r for r in log.records if r.levelname == 'WARNING']
    # the largest share is one person's
    root = write(tmp_path, persons(dict(A=10, B=9, C=11)))
    assert people(read(root, 'val', group='subject')) == {'B'}


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (['path,label'], r"csv:1: subject='subject' is no column; .*'label'"),
        (['path,label,subject', 'a.jpg,sad,'], 'csv:2: the subject is empty'),
        (
            ['path,label,subject', 'a.jpg,sad,A', 'a.jpg,sad,B'],
            r"csv:3: .*'subject': 'B'}, but .*'subject': 'A'} on line 2",
        ),
        (persons(dict(A=9)), "all 18 training images are of the one .*'A'"),
    ],
)
def test_wrong_groups(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path, lines), group='subject')


def test_not_utf8(tmp_path):
    (tmp_path / 'labels.csv').write_bytes('path,label\nä,b\n'.encode('cp1252'))
    with pytest.raises(ValueError, match=r'labels\.csv:2: not UTF-8 text'):
        read(str(tmp_path))


def test_unknown_labels(tmp_path):
    root = write(tmp_path, ['path,label', 'a.jpg,sad', 'b.jpg,Bored'])
    for classes, message in (
        (['sad', 'bored'], r"csv:3: 'Bored' is not .*did you mean 'bored'\?"),
        (
            ['sad', 'weary'],
            r"csv:3: 'Bored' is not among the classes \['sad', 'weary'\]; the "
            r"labels here are \['Bored', 'sadness'\]; no label is \['weary'\]",
        ),
        (['anger', 'fear'], r"csv:2: 'sadness' .*by name, never by position"),
    ):
        with pytest.raises(ValueError, match=message):
            read(root, classes=classes)


def test_numbers_are_names(tmp_path):
    root = write(tmp_path, ['path,label', 'a.jpg,3', 'b.jpg,0'])
    dataset = read(root, val_fraction=0)
    assert dataset.metainfo['classes'] == ('0', '3')
    assert dataset.get_gt_labels().tolist() == [1, 0]
    with pytest.raises(ValueError, match='never by position'):
        read(root, classes=['anger', 'fear', 'sad', 'happy'])


def test_listed_but_absent(tmp_path):
    root = write(tmp_path, train_lines())
    for number in range(7):
        (tmp_path / f'ü {number % 3}' / f'{number}.jpg').unlink()
    with pytest.raises(FileNotFoundError) as caught:
        read(root)
    message = str(caught.value)
    assert message.startswith('7 of 100 listed images are absent')
    assert 'labels.csv:2: ü 0/0.jpg\n' in message


def test_no_rows_of_a_split(tmp_path):
    root = write(tmp_path, [HEADER, 'a.jpg,sad,val'])
    for split, advice in (
        ('train', "'train' in the column 'split'$"),
        ('test', "'test' in the column 'split', or test on split='val'"),
    ):
        message = (
            rf"split='{split}', but .* only of \['val'\] .*: list them in "
            rf".*labels\.csv' with {advice}"
        )
        with pytest.raises(FileNotFoundError, match=message):
            read(root, split)


def test_absent_file(tmp_path):
    (tmp_path / 'faces').mkdir()
    message = r"no file '.*/a\.csv'; ann_file='a\.csv' .* holds \['faces'\]"
    with pytest.raises(FileNotFoundError, match=message):
        read(str(tmp_path), ann_file='a.csv')
    with pytest.raises(FileNotFoundError, match=r"gone' is no folder"):
        read(str(tmp_path / 'gone'))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'ann_file': '../a.csv'}, r"'\.\./a\.csv'; it must lie in the data"),
        ({'ann_file': '/a.csv'}, r"'/a\.csv'; it must lie in the data root"),
        ({'split': 'dev'}, r"no split 'dev'.*'train', 'val', 'test'"),
        (
            {'split': 'val', 'val_fraction': 0},
            r"above 0, or bring validation images: list .*'val' in the col",
        ),
    ],
)
def test_wrong_arguments(tmp_path, kwargs, message):
    root = write(tmp_path, train_lines())
    with pytest.raises(ValueError, match=message):
        read(root, **kwargs)


def test_columns_of_other_names(tmp_path):
    lines = ['Choice;who;file_name;part;label', 'sad;Ann;a.jpg;valid;x']
    lines += ['Happy;Bob;b.jpg;train;x', 'Happy;Eve;c.jpg;train;x']
    (tmp_path / 'faces').mkdir()
    for name in 'abc':
        (tmp_path / 'faces' / f'{name}.jpg').touch()
    root = write(tmp_path, lines)
    columns = dict(label='choice', split='part', subject='who')
    kwargs = dict(columns=columns, prefix='faces/')
    train, val = read(root, **kwargs), read(root, 'val', **kwargs)
    assert train.metainfo['classes'] == ('happiness', 'sadness')
    assert paths_of(val) == [str(tmp_path / 'faces' / 'a.jpg')]
    assert [info['subject'] for info in train] == ['Bob', 'Eve']
    assert train.group == 'who'


def test_start_of_paths_is_changed(tmp_path):
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new' / 'a.jpg').touch()
    (tmp_path / 'labels.csv').write_text('path,label\nC:\\old\\a.jpg,sad')
    kwargs = dict(prefix='new/', strip_prefix='C:\\old\\', val_fraction=0)
    assert paths_of(read(str(tmp_path), **kwargs)) == [
        str(tmp_path / 'new' / 'a.jpg')
    ]
    with pytest.raises(ValueError, match=r"csv:2: .*strip_prefix='D:'"):
        read(str(tmp_path), strip_prefix='D:')


def test_names_of_labels(tmp_path):
    lines = ['path,label', 'a.jpg,0', 'b.jpg,3', 'c.jpg,Happy']
    root = write(tmp_path, lines)
    names = {'0': 'neutral', '3': 'happy'}
    dataset = read(root, names=names, val_fraction=0)
    assert dataset.metainfo['classes'] == ('neutral', 'happiness')
    assert counts_of(dataset) == [1, 2]
    with pytest.raises(ValueError, match=r"csv:3: the label '3' .*'neutral'"):
        read(root, names={'0': 'neutral'})


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(columns=dict(file='a')), r"unknown key 'file'; .*'path'"),
        (dict(columns=dict(label='emotion')), r"label='emotion' is no colu"),
        (dict(columns=dict(votes=['a'])), r"\['a'\].*label_rule"),
        (dict(label_rule='argmax'), r'votes.*\[\].*label_rule'),
        (dict(label_rule='mean'), r"'mean'.*'distribution', 'argmax'"),
        (dict(group='a', columns=dict(subject='b')), r"'a'.*'b'"),
        (dict(crop=dict(margin=0.2)), r"'margin': 0.2.*no boxes"),
    ],
)
def test_wrong_columns(tmp_path, kwargs, message):
    root = write(tmp_path, ['path,label', 'a.jpg,sad'])
    with pytest.raises(ValueError, match=message):
        read(root, **kwargs)


def test_columns_that_group_people(tmp_path):
    root = write(
        tmp_path,
        ['path,label,age,sex', 'a.jpg,sad,old,f', 'b.jpg,happy,,m'],
    )
    columns = dict(groups=['age', 'sex'])
    found = read(root, columns=columns, val_fraction=0)
    assert found[0]['groups'] == dict(age='old', sex='f')
    assert found[1]['groups'] == dict(age='', sex='m')
    with pytest.raises(ValueError, match="'hair'"):
        read(root, columns=dict(groups=['hair']), val_fraction=0)
    with pytest.raises(ValueError, match=r"groups.*'age'"):
        read(root, columns=dict(groups='age'), val_fraction=0)
