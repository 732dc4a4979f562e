import json

import pytest

from mpafer_plugin.datasets.categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
)
from mpafer_plugin.prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    descriptions_digest,
    load_hard_prompts,
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
        assert len({texts[granularity] for texts in prompts.values()}) == 19
    assert prompts['fear'] == {
        1: 'a photo of fear',
        2: 'a photo of a person making a facial expression of fear',
        3: 'a photo of a person making a facial expression of fear, with '
        'inner brows raised and drawn together, upper eyelids raised and '
        'lower eyelids tense, a fixed wide stare, lips stretched sideways '
        'towards the ears, the jaw slightly dropped',
    }


def test_shipped_prompts_fit_the_context():
    tokenizer = pytest.importorskip('open_clip').SimpleTokenizer()
    prompts = load_hard_prompts(HARD_PROMPTS_FILE, ALL)
    # 77 places, of which the start and the end of text take two
    lengths = {n: len(tokenizer.encode(t[3])) for n, t in prompts.items()}
    assert max(lengths.values()) <= 75, lengths


def test_source_is_stated():
    source = json.loads(HARD_PROMPTS_FILE.read_text())['source']
    assert set(source) == {'model', 'question', 'date'}


def test_names_meet_by_alias_and_keep_the_users_word():
    by_alias = load_hard_prompts(str(HARD_PROMPTS_FILE), ['Happy', 'angry'])
    assert by_alias['Happy'][1] == 'a photo of Happy'
    named = load_hard_prompts(
        HARD_PROMPTS_FILE, ['happiness'], {'happy': 'joy', 'contempt': 'scorn'}
    )
    assert named['happiness'][1] == 'a photo of joy'
    suffix = named['happiness'][3].split('with')[1]
    assert by_alias['Happy'][3].split('with')[1] == suffix


def test_own_classes_from_a_list_or_a_file(tmp_path):
    listed = load_hard_prompts(['closed eyes ', 'a yawn'], ['asleep', 'tired'])
    assert listed['asleep'][3].endswith('of asleep, with closed eyes')
    path = write(
        tmp_path / 'own.json',
        {
            'tired': {'descriptions': ['a yawn']},
            'asleep': {'descriptions': ['closed', 'still']},
        },
    )
    filed = load_hard_prompts(path, ['asleep', 'tired'])
    assert list(filed) == ['asleep', 'tired']
    assert filed['asleep'][3].endswith(', with closed, still')


def test_digest_follows_texts_and_order_only(tmp_path):
    entries = {n: {'descriptions': [n + ' x']} for n in ('fear', 'anger')}
    one = load_hard_prompts(write(tmp_path / '1', entries), list(entries))
    two = load_hard_prompts(['fear x', 'anger x'], list(entries))
    turned = load_hard_prompts(tmp_path / '1', ['anger', 'fear'])
    assert len(descriptions_digest(one)) == 64
    assert descriptions_digest(one) == descriptions_digest(two)
    assert descriptions_digest(one) != descriptions_digest(turned)


@pytest.mark.parametrize(
    ('source', 'classes', 'names', 'message'),
    [
        (['a'], ['x', 'y'], None, r"got 1 descriptions for 2 .*'x', 'y'"),
        (['a', ' '], ['x', 'y'], None, r"class 'y' is ' '"),
        (['a', 'b'], ['x', 'x'], None, r"holds \['x'\] more than once"),
        (['a'], ['x'], {'z': 'w'}, r"has 'z'.*\['x'\]"),
        (['a'], ['x'], {'x': ''}, r"prompt_names\['x'\] is empty"),
    ],
)
def test_wrong_arguments(source, classes, names, message):
    with pytest.raises(ValueError, match=message):
        load_hard_prompts(source, classes, names)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{\n"schema_version": 1,\n oops}', r'x\.json:3: not valid JSON'),
        ('[]', r'x\.json: must hold a JSON object, not \[\]'),
        (
            '{\n"schema_version": 2}',
            r'x\.json:2: schema_version is 2.*reads 1',
        ),
        ('{"classes": {}}', r'x\.json.* schema_version is None'),
        ('{"a": 1, "a": 2}', r"x\.json: the key 'a' stands twice"),
        (
            '{"schema_version": 1, "classes": {"joy": {}}}',
            r"x\.json has no class 'fear'; it has \['joy'\]",
        ),
        (
            '{"schema_version": 1,\n"classes":\n'
            '{"fear": {"descriptions": [" "]}}}',
            r"x\.json:3: class 'fear' has the description ' '",
        ),
        (
            '{"schema_version": 1, "classes": {"fear": {}}}',
            r"x\.json:1: class 'fear' has the description None",
        ),
        (
            '{"schema_version": 1, "classes":\n{"sad": {}, "sadness": {}}}',
            r"x\.json:2: 'sadness' and 'sad' mean the same class",
        ),
    ],
)
def test_wrong_files(tmp_path, text, message):
    (tmp_path / 'x.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        load_hard_prompts(tmp_path / 'x.json', ['fear'])
