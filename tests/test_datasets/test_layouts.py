import pytest

from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.layouts import Layout, find_layout

LAYOUTS = (
    Layout('new', ('a/x.csv', 'a/images'), 'cropped'),
    Layout('old', ('b.csv',)),
)


def test_first_layout_that_is_complete(tmp_path):
    root = DataRoot(str(tmp_path))
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'x.csv').touch()
    (tmp_path / 'b.csv').touch()
    assert find_layout(root, LAYOUTS, 'Toy', '') is LAYOUTS[1]
    assert LAYOUTS[1].crop == 'as released'
    (tmp_path / 'a' / 'images').mkdir()
    assert find_layout(root, LAYOUTS, 'Toy', '') is LAYOUTS[0]


def test_error_lists_what_is_there(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'x.csv').touch()
    with pytest.raises(FileNotFoundError) as caught:
        find_layout(DataRoot(str(tmp_path)), LAYOUTS, 'Toy (train)', 'buy it')
    assert str(caught.value).splitlines() == [
        f'no layout of Toy (train) is under {str(tmp_path)!r}; looked for',
        '  new: a/x.csv (present), a/images (absent)',
        '  old: b.csv (absent)',
        f"{str(tmp_path)!r} holds ['a'], 1 entries in all",
        f"{str(tmp_path / 'a')!r} holds ['x.csv'], 1 entries in all",
        'buy it',
    ]
