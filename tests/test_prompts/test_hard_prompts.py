import json
import warnings

import pytest
from open_clip import SimpleTokenizer

from mpafer_plugin.datasets.categories import COMPOUND_EXPRESSIONS, EXPRESSIONS
from mpafer_plugin.prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    load_hard_prompts,
    prompt_words,
)

ALL = EXPRESSIONS + COMPOUND_EXPRESSIONS


def write(path, classes, version=1):
    content = {'schema_version': version, 'classes': classes}
    path.write_text(json.dumps(content, indent=1), encoding='utf-8')
    return path


def test_shipped_file_covers_all_expressions():
    prompts = load_hard_prompts(HARD_PROMPTS_FILE, ALL)
    assert tuple(prompts) == ALL
    for granularity in GRANULARITIES:
        assert len({texts[granularity][0] for texts in prompts.values()}) == 19
    assert prompts['fear'] == {
        1: ['a photo of fear'],
        2: ['a photo of a person making a facial expression of fear'],
        3: [
            'a photo of a person making a facial expression of fear, with '
            'inner brows raised and drawn together, upper eyelids raised and '
            'lower eyelids tense, a fixed wide stare, lips stretched sideways '
            'towards the ears, the jaw slightly dropped'
        ],
    }


def test_shipped_prompts_fit_the_context():
    tokenizer = SimpleTokenizer()
    prompts = load_hard_prompts(HARD_PROMPTS_FILE, ALL)
    # 77 places, of which the start and the end of text take two
    lengths = {n: len(tokenizer.encode(t[3][0])) for n, t in prompts.items()}
    assert max(lengths.values()) <= 75, lengths


def test_source_is_stated():
    source = json.loads(HARD_PROMPTS_FILE.read_text())['source']
    assert set(source) == {'model', 'question', 'date'}


def test_names_meet_by_alias_and_keep_the_users_word():
    by_alias = load_hard_prompts(str(HARD_PROMPTS_FILE), ['Happy', 'angry'])
    assert by_alias['Happy'][1] == ['a photo of Happy']
    named = load_hard_prompts(
        HARD_PROMPTS_FILE, ['happiness'], {'happy': 'joy', 'contempt': 'scorn'}
    )
    assert named['happiness'][1] == ['a photo of joy']
    suffix = named['happiness'][3][0].split('with')[1]
    assert by_alias['Happy'][3][0].split('with')[1] == suffix


def test_own_classes_and_several_descriptions(tmp_path):
    path = write(
        tmp_path / 'own.json',
        {
            'tired': {'descriptions': ['a yawn']},
            'asleep': {'descriptions': [' closed eyes', 'a still face']},
        },
    )
    prompts = load_hard_prompts(path, ['asleep', 'tired'])
    assert list(prompts) == ['asleep', 'tired']
    assert prompts['asleep'][2] == [
        'a photo of a person making a facial expression of asleep'
    ]
    assert [text.split(', with ')[1] for text in prompts['asleep'][3]] == [
        'closed eyes',
        'a still face',
    ]


def test_another_word_than_was_asked_about_is_warned_of(tmp_path):
    entry = {'word': 'fright', 'descriptions': ['wide eyes']}
    path = write(tmp_path / 'own.json', {'fear': entry})
    with pytest.warns(UserWarning, match=r"describes 'fearful' as 'fright'"):
        prompts = load_hard_prompts(path, ['fearful'])
    assert prompts['fearful'][1] == ['a photo of fearful']
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        load_hard_prompts(path, ['fearful'], {'fear': 'fright'})
        # an alias is no other word
        path = write(path, {'fear': entry | {'word': 'fear'}})
        load_hard_prompts(path, ['fearful'])


def test_names_that_look_the_same_meet(tmp_path):
    entry = {'descriptions': ['half-closed eyelids']}
    path = write(tmp_path / 'own.json', {'m\u00fcde': entry})
    (prompts,) = load_hard_prompts(path, [' mu\u0308de']).values()
    assert prompts[3][0].endswith('with half-closed eyelids')


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ({'z': 'w'}, r"has 'z'.*\['x'\]"),
        ({'x': ''}, r"prompt_names\['x'\] must be a word, not ''"),
        ({'x': 3}, 'must be a word, not 3'),
    ],
)
def test_wrong_words(names, message):
    with pytest.raises(ValueError, match=message):
        prompt_words(['x'], names)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{\n"schema_version": 1,\n oops}', r'x\.json:3: not valid JSON'),
        ('[]', r'x\.json: must hold a JSON object, not \[\]'),
        (
            '{\n"schema_version": 2}',
            r'x\.json: schema_version is 2.*reads 1',
        ),
        ('{"classes": {}}', r'x\.json.* schema_version is None'),
        ('{"a": 1, "a": 2}', r"x\.json: duplicate key 'a'"),
        (
            '{"schema_version": 1, "classes": {"joy":'
            ' {"descriptions": ["a smile"]}}}',
            r"x\.json has no class 'fear'; it has \['joy'\]",
        ),
        (
            '{"schema_version": 1,\n"classes":\n'
            '{"fear": {"descriptions": [" "]}}}',
            r"x\.json: classes\['fear'\]\.descriptions\[0\] .* not ' '",
        ),
        (
            '{"schema_version": 1, "classes": {"fear": {}}}',
            r"x\.json: classes\['fear'\]\.descriptions must .* not None",
        ),
        (
            '{"schema_version": 1, "classes":\n{"sad": {}, "sadness": {}}}',
            r"x\.json: classes: 'sadness' and 'sad' mean the same class",
        ),
    ],
)
def test_wrong_files(tmp_path, text, message):
    (tmp_path / 'x.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        load_hard_prompts(tmp_path / 'x.json', ['fear'])


def test_merged_classes_have_the_descriptions_of_all(tmp_path):
    merge = {'low': ['sad', 'angry'], 'fear': ['fear', 'awe'], 'up': ['glee']}
    path = write(
        tmp_path / 'a.json',
        {
            name: {'descriptions': [f'{name} face']}
            for name in ('sadness', 'anger', 'fear', 'awe', 'glee', 'up')
        },
    )
    prompts = load_hard_prompts(path, ['low', 'fear', 'up'], merge=merge)
    ends = {
        name: [text.rpartition(', ')[2] for text in texts[3]]
        for name, texts in prompts.items()
    }
    assert ends == {
        'low': ['with sadness face', 'with anger face'],
        'fear': ['with fear face', 'with awe face'],
        'up': ['with up face'],  # described itself
    }
    with pytest.raises(ValueError, match=r"\['bored'\] of 'x'"):
        load_hard_prompts(path, ['x'], merge={'x': ['fear', 'bored']})
