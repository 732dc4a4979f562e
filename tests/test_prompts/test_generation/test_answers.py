import json
import time

import pytest

from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    answer_format,
    format_answer,
    parse_answer,
)

ONE = '{"descriptions": ["raised brows"]}'


def test_schema():
    form = answer_format(2)
    assert form['type'] == 'json_schema'
    schema = form['json_schema']['schema']
    assert schema['required'] == ['descriptions']
    assert schema['properties']['descriptions'] == {
        'type': 'array',
        'items': {'type': 'string'},
        'minItems': 2,
        'maxItems': 2,
    }
    json.dumps(form)


def test_several_descriptions():
    texts = ['raised brows', 'wide eyes']
    assert parse_answer(format_answer(texts), 2) == texts


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('raised brows, wide eyes.', 'raised brows, wide eyes'),
        ('crow\u2019s feet, raised lids', "crow's feet, raised lids"),
        ("wide eyes, crows' feet", "wide eyes, crows' feet"),
        ('with raised brows', 'raised brows'),
        (
            'A photo of a person making a facial expression of fear, with '
            'raised brows.',
            'raised brows',
        ),
        ('raised\n\n brows;', 'raised brows'),
        ('raised\x1b\x00 brows\ud800', 'raised brows'),
        ('a sorry look, lips that cannot close', None),
        ('lips that say: I am sorry, brows drawn up', None),
        ('2 eyes, -3 is no mark', None),
        ('raised brows \u00e9', None),
    ],
)
def test_one_description(text, expected):
    assert parse_answer(format_answer([text]), 1) == [expected or text]


@pytest.mark.parametrize(
    'answer',
    [
        f'```json\n{ONE}\n```',
        f'Sure, here is how the face looks:\n{ONE}\nLet me know!',
        f'<think>{{"descriptions": ["no"]}} {{</think>\n{ONE}',
        f'{"hm " * 9000}</think>{ONE}<|im_end|>',
        '<|channel|>analysis<|message|>brows<|end|><|start|>assistant'
        f'<|channel|>final<|message|>{ONE}<|return|>',
        '{\n  "descriptions" : [\n"raised brows"],\n"other": 1}',
    ],
)
def test_text_around_the_object(answer):
    assert parse_answer(answer, 1) == ['raised brows']


@pytest.mark.parametrize(
    ('answer', 'count', 'message'),
    [
        ('', 1, "is empty: ''"),
        ('a' * 1_000_001 + ONE, 1, 'has 1,000,0.. characters'),
        (' \n', 1, 'is empty'),
        ("I'm sorry, but I cannot help with that.", 1, 'is not JSON'),
        ('raised brows', 1, 'is not JSON'),
        ('["raised brows", "wide eyes"]', 2, 'is not JSON'),
        ('{"descriptions": "ab"}', 2, 'is not JSON'),
        ('{"descriptions": {"a": 1}}', 1, 'is not JSON'),
        ('{"description": "raised brows"}', 1, 'is not JSON'),
        ('{"descriptions": "raised brows"}', 1, 'is not JSON'),
        ('{"descriptions": [["raised brows"]]}', 1, 'is not JSON'),
        ('{"descriptions": 3}', 1, 'is not JSON'),
        ('{"descriptions": ["raised brows"', 1, 'is not JSON'),
        ('{"descriptions": ' + '[' * 100_000, 1, 'is not JSON'),
        ('{"descriptions": []}', 1, 'has 0 descriptions, not 1'),
        (ONE, 2, "has 1 descriptions, not 2: '{"),
        (format_answer(['lip', 'lid', 'jaw']), 2, 'has 3 descriptions, not 2'),
        (format_answer(['']), 1, 'has an empty description'),
        (format_answer(['a lip', '...']), 2, 'has an empty description'),
        (
            format_answer(['\u7709\u6bdb brows']),
            1,
            'letters that are not Latin',
        ),
        (format_answer(['x' * 101]), 1, 'has a word of 101 characters'),
        (format_answer(['wide ' * 4001]), 1, 'of 20004 characters'),
        ('eyes \x1b' + 'wide ' * 900, 3, r"JSON .*: 'eyes \\x1bwide"),
    ],
)
def test_unusable(answer, count, message):
    with pytest.raises(UnusableAnswer, match=message) as error:
        parse_answer(answer, count)
    assert len(str(error.value)) < 420
    assert '\x1b' not in str(error.value)


def test_no_answer_takes_long():
    started = time.perf_counter()
    for odd in ('{', '{ ', '{"descriptions"', '{"descriptions": [', '[ /'):
        with pytest.raises(UnusableAnswer):
            parse_answer(odd * 6000, 1)
    assert time.perf_counter() - started < 2
