import json

import pytest

from mpafer_plugin.prompts import HARD_PROMPTS_FILE, load_hard_prompts
from mpafer_plugin.prompts.descriptions import load_descriptions

# All that the format allows.
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
    load_descriptions(folder / 'x.json')


def test_all_of_the_format(tmp_path):
    read(tmp_path, LINES)
    prompts = load_hard_prompts(tmp_path / 'x.json', ['wink'])
    assert len(prompts['wink'][3]) == 2


def test_shipped_file_is_in_the_format():
    load_descriptions(HARD_PROMPTS_FILE)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('"schema_version": 1', '"schema_version": true', '_version is True'),
        ('"schema_version": 1', '"schema_version": "1"', "_version is '1'"),
        ('"schema_version": 1', '"version": 1', 'schema_version is None'),
        (
            '"source"',
            '"sources"',
            r"unknown key 'sources'; allowed are "
            r"\['schema_version', 'source', 'classes'\]",
        ),
        ('"model"', '"url"', r"source: unknown key 'url'; .* \['model', "),
        ('"a"', '["a"]', r"source\.model must be a text, not \['a'\]"),
        ('2026-11-21', '21.11.', r"source\.date must be .* not '21\.11\.'"),
        ('2026-11-21', '20261121', r'source\.date must be a day'),
        ('2026-11-21', '2026-W47-6', r'source\.date must be a day'),
        ('"blink": {', '"blink": {"word": 7,', r"\['blink'\]\.word .* not 7"),
        (
            '"blink": {',
            '"blink": {"word": " ",',
            r"\['blink'\]\.word .* not ' '",
        ),
        ('"classes": {\n', '"classes": [], "source2": {', "'source2'"),
        ('against', 'agianst', r"\['wink'\]: unknown key 'agianst'"),
        ('"wink"\n', '7\n', r"\['wink'\]\.descriptions\[1\] .* not 7"),
        ('"wink"\n', '"\\t"\n', r"\['wink'\]\.descriptions\[1\] .* not '\\t'"),
        (
            '["both eyes closed"]',
            '"both"',
            r"\['blink'\]\.descriptions .* not 'both'",
        ),
        (
            '["both eyes closed"]',
            '[]',
            r"\['blink'\]\.descriptions .* not \[\]",
        ),
        (
            'null, "blink"',
            '"blink"',
            r"\['wink'\]\.against has 1 entries for 2 descriptions",
        ),
        (
            'null, "blink"',
            'null, 3',
            r"\['wink'\]\.against .* of texts and nulls.*None, 3\]",
        ),
        (
            '[null, "blink"]',
            'null',
            r"\['wink'\]\.against .* nulls, not None",
        ),
        ('"blink": {', '"": {}, "blink": {', r"\[''\]\.descriptions .* None"),
        ('"blink": {', '"b": null, "blink": {', r"\['b'\] must be an object"),
    ],
)
def test_what_is_refused(tmp_path, old, new, message):
    assert LINES.count(old) >= 1
    with pytest.raises(ValueError, match=rf'x\.json: .*{message}'):
        read(tmp_path, LINES.replace(old, new, 1))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"schema_version": 1}', r'x\.json: "classes" is missing'),
        (
            '{"schema_version": 1,\n"classes": ["fear"]}',
            r"x\.json: classes must be an object, not \['fear'\]",
        ),
        (
            '{"schema_version": 1,\n"source": null, "classes": {}}',
            r'x\.json: source must be an object, not None',
        ),
        ('[' * 100_000, r'x\.json: .*nested too deep'),
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
        load_descriptions(path)
