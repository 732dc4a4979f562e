import builtins
import json
from pathlib import Path

import pytest

from mpafer_plugin.datasets import FERCsv

ROWS = [
    dict(path='ü/1.jpg', label='Happy', split='train'),
    dict(path='ü/2.jpg', label='sad', split='train'),
    dict(path='ü/3.jpg', label='sad', split='test'),
]
TEXT = '\n'.join(','.join(row.values()) for row in ROWS)


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'ü').mkdir()
    for row in ROWS:
        (tmp_path / row['path']).touch()
    return tmp_path


def read(root, split='train', **kwargs):
    kwargs = dict(val_fraction=0, serialize_data=False) | kwargs
    return FERCsv(str(root), split, **kwargs)


def check(root, **kwargs):
    assert read(root, **kwargs).get_gt_labels().tolist() == [0, 1]
    test = read(root, 'test', **kwargs)
    assert test.get_gt_labels().tolist() == [1]
    assert Path(test[0]['img_path']) == root / 'ü' / '3.jpg'


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('separator', [',', ';', '\t', '|'])
@pytest.mark.parametrize('stated', [False, True])
def test_what_spreadsheets_save(root, encoding, separator, stated):
    text = f'path,label,split\r\n{TEXT}'.replace(',', separator)
    if stated:
        text = f'SEP={separator}\r\n{text}'
    (root / 'labels.csv').write_text(text, encoding=encoding)
    check(root)


def test_given_delimiter(root):
    text = f'path,label,split\n{TEXT}'.replace(',', ' ')
    (root / 'labels.csv').write_text(text)
    check(root, delimiter=' ')


def test_line_numbers_below_a_stated_separator(root):
    (root / 'labels.csv').write_text('\nsep=;\n\npath;label\nü/1.jpg;\n')
    with pytest.raises(ValueError, match='csv:5: the label is empty'):
        read(root)


def test_rows_without_content(root):
    text = f'path;label;split\n{TEXT}\n;;\n; ;\n'.replace(',', ';')
    (root / 'labels.csv').write_text(text)
    check(root)


@pytest.mark.parametrize('name', ['labels.xlsx', 'labels.JSON'])
def test_other_tables(root, name):
    (root / name).write_bytes(b'PK\x03\x04\xff')
    with pytest.raises(ValueError, match=f'{name}: .*CSV, .*jsonl .*parquet'):
        read(root, ann_file=name)


def test_half_a_character_of_utf16(root):
    (root / 'labels.csv').write_bytes('path,label'.encode('utf-16') + b'a')
    with pytest.raises(ValueError, match=r'labels\.csv: not UTF-16'):
        read(root)


def test_json_lines(root):
    lines = [json.dumps(row | dict(age=3, box=[1, 2])) for row in ROWS]
    # A key may be absent or null.
    lines[0] = json.dumps(dict(label='Happy', split='train', path='ü/1.jpg'))
    (root / 'labels.jsonl').write_text('\n'.join(lines))
    check(root, ann_file='labels.jsonl')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"path"', 'jsonl:2: not valid JSON'),
        ('["a.jpg", "sad"]', r'jsonl:2: .*\["a.jpg", "sad"\].* no object'),
        ('{"path": "a.jpg", "split": "val"}', 'jsonl:2: the label is empty'),
        # json alone would let the last of two values win.
        ('{"path": "a", "path": "b"}', "jsonl:2: duplicate key 'path'"),
        ('{"path": "a", "label": NaN}', 'jsonl:2: label=nan is no text'),
        ('{"path": "a", "label": ["b"]}', r"label=\['b'\] is no text"),
        ('{"path": {"a": 1}, "label": "b"}', r"path=\{'a': 1\} is no text"),
        (r'{"path": "\ud800", "label": "b"}', r"jsonl:2: '\\ud800' is half"),
        ('[' * 100_000, 'jsonl:2: its JSON is nested too deep'),
    ],
)
def test_wrong_json_lines(root, line, message):
    text = '\n'.join([json.dumps(ROWS[0] | dict(split='train')), line])
    (root / 'labels.jsonl').write_text(text)
    with pytest.raises(ValueError, match=message):
        read(root, ann_file='labels.jsonl')


def test_parquet(root, monkeypatch):
    pyarrow = pytest.importorskip('pyarrow')
    from pyarrow import parquet

    path = root / 'labels.parquet'
    rows = [row | dict(age=3.5) for row in ROWS]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    check(root, ann_file='labels.parquet')
    path.write_bytes(b'no table')
    with pytest.raises(ValueError, match=r'labels\.parquet: '):
        read(root, ann_file='labels.parquet')

    names = ['path', 'label', 'label']
    twice = pyarrow.table([['a'], ['b'], ['c']], names)
    parquet.write_table(twice, path)
    with pytest.raises(ValueError, match=r'labels\.parquet: .*label'):
        read(root, ann_file='labels.parquet')
    text = pyarrow.array([b'\xff']).cast(pyarrow.string(), safe=False)
    bad = pyarrow.table([text, text], ['path', 'label'])
    parquet.write_table(bad, path)
    with pytest.raises(ValueError, match=r'labels\.parquet: .*utf-8'):
        read(root, ann_file='labels.parquet')

    known = builtins.__import__

    def fail(name, *args, **kwargs):
        if name == 'pyarrow':
            raise ModuleNotFoundError(name)
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', fail)
    with pytest.raises(ModuleNotFoundError, match=r'mpafer_plugin\[parquet'):
        read(root, ann_file='labels.parquet')


def image_folder(root, ending, whole):
    """A Hugging Face image folder, with one table or one for each split."""
    for split, folder in dict(train='train', test='Test').items():
        rows = [row for row in ROWS if row['split'] == split]
        names = [Path(row['path']).name for row in rows]
        (root / folder).mkdir()
        for name in names:
            (root / folder / name).touch()
        records = [
            dict(file_name=f'{folder}/{name}' if whole else name, emotion=r)
            for name, r in zip(names, [r['label'] for r in rows], strict=True)
        ]
        place = root if whole else root / folder
        with open(place / f'metadata.{ending}', 'a') as file:
            if ending == 'jsonl':
                lines = map(json.dumps, records)
            else:
                lines = map(','.join, map(dict.values, records))
                if not file.tell():
                    file.write('file_name,emotion\n')
            file.writelines(f'{line}\n' for line in lines)


@pytest.mark.parametrize('ending', ['csv', 'jsonl'])
@pytest.mark.parametrize('whole', [False, True])
def test_hugging_face_image_folder(tmp_path, ending, whole):
    image_folder(tmp_path, ending, whole)
    kwargs = dict(ann_file=f'metadata.{ending}', columns=dict(label='emotion'))
    train, test = (read(tmp_path, s, **kwargs) for s in ('train', 'test'))
    assert train.get_gt_labels().tolist() == [0, 1]
    assert [info['img_path'] for info in test] == [
        str(tmp_path / 'Test' / '3.jpg')
    ]


def test_only_hugging_face_names_splits_by_folders(root):
    (root / 'ü').rename(root / 'test')
    (root / 'labels.csv').write_text('path,label\ntest/1.jpg,sad')
    assert len(read(root)) == 1
