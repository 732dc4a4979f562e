import csv
import json
import os

import pytest

from mpafer_plugin.apis import FERResults

NAME = os.fsdecode(b'caf\xe9.png')


def test_names_that_are_no_utf_8(tmp_path):
    results = FERResults([[], []], ['名.png', NAME], ['yes', 'no'])
    results.to_json(tmp_path / 'r.json')
    content = (tmp_path / 'r.json').read_text(encoding='utf-8')
    assert '名.png' in content
    assert [entry['path'] for entry in json.loads(content)][1] == NAME
    results.to_csv(tmp_path / 'r.csv')
    assert b'caf\xe9.png' in (tmp_path / 'r.csv').read_bytes()
    with open(
        tmp_path / 'r.csv', encoding='utf-8', errors='surrogateescape'
    ) as file:
        assert [row['path'] for row in csv.DictReader(file)][1] == NAME


@pytest.mark.parametrize('kind', ['json', 'csv'])
def test_what_was_there_stays_until_all_is_written(tmp_path, kind):
    path = tmp_path / f'r.{kind}'
    path.write_text('before')
    results = FERResults([[], [dict(landmarks=None)]], ['a', 'b'], ['yes'])
    with pytest.raises(KeyError):
        getattr(results, f'to_{kind}')(path)
    assert path.read_text() == 'before'
    assert list(tmp_path.iterdir()) == [path]


def test_frames(tmp_path):
    results = FERResults([[], []], ['v', None], [], [(3, 0.25), None])
    results.to_json(tmp_path / 'r.json')
    assert json.loads((tmp_path / 'r.json').read_text()) == [
        dict(path='v', frame=3, time=0.25, faces=[]),
        dict(path=None, faces=[]),
    ]
