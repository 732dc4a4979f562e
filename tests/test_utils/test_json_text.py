import json
import math

import pytest

from mpafer_plugin.utils.json_text import parse_json


@pytest.mark.parametrize(
    'value', [{'a': [1, None, 'ä\U0001f600']}, 'b', 3, [], {}]
)
def test_values(value):
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert parse_json(text, 'f') == value
        assert parse_json(b'\xef\xbb\xbf' + text.encode(), 'f') == value


def test_numbers_of_python():
    low, nan = parse_json('[-Infinity, NaN]', 'f')
    assert low == -math.inf and math.isnan(nan)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"a":\n}', r'^f:2: not valid JSON: Expecting value'),
        ('', r'^f:1: not valid JSON'),
        ('[' * 100_000, r'^f: its JSON is nested too deep'),
        ('{"b": {"a": 1, "a": 2}}', r"^f: duplicate key 'a'"),
        ('9' * 5000, r'^f: .*4300'),
        (b'"\xe4"', r"^f: 'utf-8' codec"),
        (r'{"a": "x\ud800"}', r"^f: '\\ud800' is half a surrogate pair"),
        (r'{"\udc00": 1}', r"^f: '\\udc00' is half a surrogate pair"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text, 'f')


def test_the_line_of_one_of_many():
    for text in ('{', '{"a": 1, "a": 2}'):
        with pytest.raises(ValueError, match=r'^f:7: '):
            parse_json(text, 'f', 7)


def test_the_time_for_many_keys_grows_with_their_number():
    pairs = ', '.join(f'"{i}": {i}' for i in range(60_000))
    assert len(parse_json(f'{{{pairs}}}', 'f')) == 60_000
