import pytest

from mpafer_plugin.prompts.generation import make_plan
from mpafer_plugin.prompts.generation.questions import QUESTION

CLASSES = ['fear', 'surprise', 'in pain']


def test_the_papers_question():
    assert QUESTION == (  # word by word
        'What are the most useful visual features to distinguish the facial '
        'expression of [class]?'
    )
    plan = make_plan('m', CLASSES, {'fear': 'fright'}, descriptions=3)
    (question,) = plan.questions('fear')
    assert question.text.startswith(QUESTION.replace('[class]', 'fright'))
    assert '3 lines' in question.text
    assert 'at most 41 words' in question.text
    assert '[' not in question.text
    assert (question.word, question.count) == ('fright', 3)


def test_contrast():
    plan = make_plan('m', CLASSES, contrast=[['Fearful', 'surprise']])
    usual, contrast = plan.questions('fear')
    assert usual.against is None
    assert contrast.against == 'surprise'
    assert contrast.text.startswith(
        'What visual features tell the facial expression of fear from that '
        'of surprise? Answer in English with one line '
    )
    (_, back) = plan.questions('surprise')
    assert 'expression of surprise from that of fear?' in back.text
    assert len(plan.questions('in pain')) == 1


def test_names_that_look_the_same_are():
    decomposed = 'mu\u0308de'
    plan = make_plan(
        'm',
        [decomposed, ' in\npain '],
        {'m\u00fcde': 'tired'},
        contrast=[['in pain', decomposed]],
    )
    assert plan.words == {'m\u00fcde': 'tired', 'in pain': 'in pain'}
    assert plan.contrast[0] == ('in pain', 'm\u00fcde')
    with pytest.raises(ValueError, match='two of the classes'):
        make_plan('m', [decomposed, 'm\u00fcde'])


@pytest.mark.parametrize(
    'classes, words',
    [(['tired', 'Tired'], {}), (['tired', 'sleepy'], {'sleepy': 'Tired'})],
)
def test_words_that_are_the_same_to_the_text_tower(classes, words):
    with pytest.raises(ValueError, match=r"'tired'.*'Tired'"):
        make_plan('m', classes, words)


def test_groups_of_contrast_are_all_pairs_once():
    plan = make_plan('m', CLASSES, contrast=[CLASSES, ['fear', 'in pain']])
    assert set(plan.contrast) == {
        (a, b) for a in CLASSES for b in CLASSES if a != b
    }
    assert len(plan.contrast) == 6


def test_a_name_that_looks_like_a_place():
    plan = make_plan('m', ['[other]', 'fear'], contrast=[['[other]', 'fear']])
    assert 'expression of [other] from that of fear?' in (
        plan.questions('[other]')[1].text
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(classes=[]), 'no classes'),
        (dict(classes='fear'), "must be a list of names, not 'fear'"),
        (dict(classes=['fear', 3]), 'must be a list of names'),
        (dict(classes=['fear', ' ']), "the name '' is empty"),
        (dict(classes=['in\udcffpain']), r"the name 'in\\udcffpain'"),
        (dict(model=''), "the name '' is empty"),
        (dict(model='m\udcff'), 'cannot be written'),
        (dict(prompt_names={'fear': 'in pain'}), "'in pain'"),
        (dict(classes=['fear', 'Fearful']), "are 'fear'"),
        (dict(classes=['x ' * 80]), 'leaves -?[0-9]+ of 77 tokens'),
        (dict(descriptions=0), 'descriptions=0 is less than 1'),
        (dict(contrast=[['fear']]), r"\['fear'\] must be two classes"),
        (dict(contrast=[['fear', 'joy']]), "'joy' is not among"),
        (dict(contrast=[['fear', 'fearful']]), "are 'fear'"),
        (dict(prompt_names={'joy': 'x'}), "prompt_names has 'joy'"),
    ],
)
def test_wrong_plans(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_plan(**(dict(model='m', classes=CLASSES) | arguments))
