import os

import pytest

from mpafer_plugin.utils.atomic_write import atomic_write


def test_replaces_a_complete_file(tmp_path):
    path = tmp_path / 'a' / 'b.txt'
    for text in ('old', 'new'):
        with atomic_write(path) as part:
            part.write_text(text)
            assert part.parent == path.parent
        assert path.read_text() == text
    assert os.listdir(path.parent) == ['b.txt']


def test_an_error_leaves_the_previous_file(tmp_path):
    path = tmp_path / 'b.txt'
    path.write_text('old')
    with pytest.raises(OSError, match='full'), atomic_write(path) as part:
        part.write_text('ne')
        raise OSError('full')
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['b.txt']


def test_another_temporary_file(tmp_path):
    with atomic_write(tmp_path / ('x' * 255), tmp_path / '.part') as part:
        part.write_text('a')
    assert os.listdir(tmp_path) == ['x' * 255]
