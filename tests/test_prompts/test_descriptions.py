import json

import pytest

from mpafer_plugin.prompts import HARD_PROMPTS_FILE, load_hard_prompts
from mpafer_plugin.prompts.descriptions import JSONFile, check_file, line_of

# Line 1 is the bracket, 2 the version, and so on.
LINES = r"""{
"schema_version": 1,
"source": {
"model": "a",
"date": "2026-11-21"
},
"classes": {
"wi\u006ek": {
"descriptions": [
"classes: {",
"wink"
],
"against": [null, "blink"],
"uncut": ["classes: {\"wink", null]
},
"blink": {
"descriptions": ["both eyes closed"]
}}}"""


def read(folder, text):
    (folder / 'x.json').write_text(text, encoding='utf-8')
    check_file(JSONFile(folder / 'x.json'))


def test_all_of_the_format(tmp_path):
    read(tmp_path, LINES)
    prompts = load_hard_prompts(tmp_path / 'x.json', ['wink'])
    assert len(prompts['wink'][3]) == 2


def test_shipped_file_is_in_the_format():
    check_file(JSONFile(HARD_PROMPTS_FILE))


@pytest.mark.parametrize(
    ('place', 'line'),
    [
        ((), 1),
        (('schema_version',), 2),
        (('source', 'date'), 5),
        (('classes',), 7),
        (('classes', 'wink'), 8),
        (('classes', 'wink', 'descriptions'), 9),
        (('classes', 'wink', 'descriptions', 0), 10),
        (('classes', 'wink', 'descriptions', 1), 11),
        (('classes', 'wink', 'uncut', 1), 14),
        (('classes', 'blink'), 16),
        (('classes', 'blink', 'descriptions', 0), 17),
    ],
)
def test_lines(place, line):
    assert line_of(LINES, place) == line


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('"schema_version": 1', '"schema_version": true', '2: .* is True'),
        ('"schema_version": 1', '"schema_version": "1"', "2: .* is '1'"),
        ('"schema_version": 1', '"version": 1', '1: schema_version is None'),
        (
            '"source"',
            '"sources"',
            r"3: the key 'sources' is unknown; allowed are "
            r"\['schema_version', 'source', 'classes'\]",
        ),
        ('"model"', '"url"', r"4: the key 'url' is unknown; .* \['model', "),
        ('"a"', '["a"]', r"4: 'model' must be a text, not \['a'\]"),
        ('2026-11-21', '21.11.', r"5: \"date\" must be .* not '21\.11\.'"),
        ('2026-11-21', '20261121', '5: .* must be a day'),
        ('2026-11-21', '2026-W47-6', '5: .* must be a day'),
        ('"blink": {', '"blink": {"word": 7,', "16: .* 'word' must be a"),
        ('"blink": {', '"blink": {"word": " ",', "16: .* not ' '"),
        ('"classes": {\n', '"classes": [], "source2": {', 'source2'),
        ('against', 'agianst', "13: the key 'agianst' is unknown"),
        ('"wink"\n', '7\n', "11: class 'wink' has the description 7"),
        ('"wink"\n', '"\\t"\n', "11: class 'wink' has the description"),
        ('["both eyes closed"]', '"both"', "17: .* description 'both'"),
        ('["both eyes closed"]', '[]', r'17: .* description \[\]'),
        (
            'null, "blink"',
            '"blink"',
            "13: class 'wink': 'against' has 1 entries for 2 descriptions",
        ),
        ('null, "blink"', 'null, 3', r'13: .* of texts and nulls.*None, 3\]'),
        ('[null, "blink"]', 'null', '13: .* nulls, not None'),
        ('"blink": {', '"": {}, "blink": {', "16: class '' has the desc"),
        ('"blink": {', '"b": null, "blink": {', "16: 'b' must be an object"),
    ],
)
def test_what_is_refused(tmp_path, old, new, message):
    assert LINES.count(old) >= 1
    with pytest.raises(ValueError, match=rf'x\.json:{message}|{message}'):
        read(tmp_path, LINES.replace(old, new, 1))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"schema_version": 1}', 'x.json:1: "classes" is missing'),
        (
            '{"schema_version": 1,\n"classes": ["fear"]}',
            r"x\.json:2: 'classes' must be an object, not \['fear'\]",
        ),
        (
            '{"schema_version": 1,\n"source": null, "classes": {}}',
            r"x\.json:2: 'source' must be an object, not None",
        ),
        ('[' * 100_000, r'x\.json: .*recursion'),
        ('{"a":\n NaN', r'x\.json:2: not valid JSON'),
    ],
)
def test_files_of_another_kind(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_not_utf8(tmp_path):
    path = tmp_path / 'x.json'
    path.write_bytes(json.dumps({'ä': 1}, ensure_ascii=False).encode('cp1252'))
    with pytest.raises(ValueError, match=r"x\.json: 'utf-8' codec"):
        JSONFile(path)
