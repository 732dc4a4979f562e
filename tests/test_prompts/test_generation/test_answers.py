import pytest

from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    clean_answer,
)

TWO = ['raised brows', 'wide eyes']


@pytest.mark.parametrize(
    ('answer', 'expected'),
    [
        ('raised brows, wide eyes.', 'raised brows, wide eyes'),
        ('"Raised brows."', 'Raised brows'),
        ("'a lip'", 'a lip'),
        ('\u201craised brows\u201d', 'raised brows'),
        ('crow\u2019s feet, raised lids', "crow's feet, raised lids"),
        ("wide eyes, crows' feet", "wide eyes, crows' feet"),
        ('with raised brows', 'raised brows'),
        (
            'A photo of a person making a facial expression of fear, with '
            'raised brows.',
            'raised brows',
        ),
        ('**Brows**: raised\n\n**Eyes**: wide', 'Brows: raised, Eyes: wide'),
        (
            'Here is the description:\n\n- raised brows;\n- wide eyes.',
            'raised brows, wide eyes',
        ),
        ('# Fear\n1. raised brows\n2) wide eyes', 'raised brows, wide eyes'),
        ('```text\nraised brows\n```', 'raised brows'),
        ('<think>I am sorry?\n</think>\nraised brows', 'raised brows'),
        ('raised\x1b[31m\x00 brows\ud800', 'raised[31m brows'),
        # these words may also be about a face
        ('a sorry look, lips that cannot close', None),
        ('2 deep folds, -3 is no mark', None),
    ],
)
def test_one_description(answer, expected):
    assert clean_answer(answer, 1) == [expected or answer]


@pytest.mark.parametrize(
    'answer',
    [
        'raised brows\nwide eyes',
        'Sure, here they are:\n\n1. raised brows.\n\n2. wide eyes.\n',
        '\u2022 "raised brows"\r\n\u2022 "wide eyes"',
        '(1) raised brows\n(2) wide eyes',
    ],
)
def test_several_descriptions(answer):
    assert clean_answer(answer, 2) == TWO


@pytest.mark.parametrize(
    'answer',
    [
        "I'm sorry, but I can't help with that.",
        'I\u2019m really sorry, I can\u2019t.',
        'Sorry, but no.',
        'I cannot describe faces.',
        'I can not do so',
        '"I am unable to describe people."',
        'As an AI language model, I have no face.',
        'Unfortunately, I must pass.',
        'That is a delicate matter. I will not judge faces.',
    ],
)
def test_refusals(answer):
    with pytest.raises(UnusableAnswer, match='the answer is a refusal: '):
        clean_answer(answer, 1)


@pytest.mark.parametrize(
    ('answer', 'count', 'message'),
    [
        ('', 1, "is empty: ''"),
        (' \n```\n```\n...', 1, 'is empty'),
        ('Here you are:', 1, "is empty: 'Here you are:'"),
        ('<think>hm', 1, 'ends in the middle of a thought'),
        ('raised brows', 2, "has 1 lines, not 2: 'raised brows'"),
        ('a\nb\nc', 2, 'has 3 lines, not 2'),
        ('wide eyes\nWide eyes.', 2, 'says the same twice'),
        ('x' * 101, 1, 'has a word of 101 characters'),
        ('wide ' * 4001, 1, 'has 20005 characters'),
        ('eyes \x1b[2J' + 'wide ' * 900, 3, r'\\x1b\[2J|eyes \[2J'),
    ],
)
def test_of_no_use(answer, count, message):
    with pytest.raises(UnusableAnswer, match=message) as error:
        clean_answer(answer, count)
    assert len(str(error.value)) < 400
    assert '\x1b' not in str(error.value)
