import time

import pytest

from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    clean_answer,
    names_part,
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
        ('raised\x1b\x00 brows\ud800', 'raised brows'),
        # thoughts and special tokens
        ('Fear, hm? Brows.\n</think>\n\nraised brows', 'raised brows'),
        ('<thinking>brows</thinking>raised brows', 'raised brows'),
        ('<THINK>a</THINK>b</think >raised brows', 'raised brows'),
        ('[THINK]hm brows[/THINK]raised brows', 'raised brows'),
        ('\u25c1think\u25b7hm\u25c1/think\u25b7raised brows', 'raised brows'),
        (
            '<|channel|>analysis<|message|>brows<|end|><|start|>assistant'
            '<|channel|>final<|message|>raised brows<|return|>',
            'raised brows',
        ),
        ('analysisBrows, then.assistantfinalraised brows', 'raised brows'),
        ('<answer>raised brows</answer>', 'raised brows'),
        ('raised brows<|im_end|>\n', 'raised brows'),
        (
            'raised brows<\uff5cend\u2581of\u2581sentence\uff5c>',
            'raised brows',
        ),
        (f'{"hm " * 9000}</think>raised brows', 'raised brows'),
        # chatter
        ('Sure! Here is fear.\nraised brows', 'raised brows'),
        ('Sure, here is how the face looks:\nraised brows', 'raised brows'),
        ('**Fear**\n\nraised brows\n\nLet me know!', 'raised brows'),
        ('raised brows\n\nNote: people vary.', 'raised brows'),
        ('raised brows\nI hope this helps!', 'raised brows'),
        # headlines
        (
            '1. **Eyes:**\n   - wide open\n   - tense\n**Mouth:**\n - open',
            'Eyes: wide open, tense, Mouth: open',
        ),
        ('### Brows\nraised', 'Brows: raised'),
        (
            '**raised brows, wide eyes and a mouth**',
            'raised brows, wide eyes and a mouth',
        ),
        ('*raised brows*', 'raised brows'),
        # these words may also be about a face
        ('a sorry look, lips that cannot close', None),
        ('lips that say: I am sorry, brows drawn up', None),
        ('2 eyes, -3 is no mark', None),
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
        'a) raised brows\nb) wide eyes',
        'Line 1: raised brows\nLine 2: wide eyes',
        'Description 1:\nraised brows\nDescription 2:\nwide eyes',
    ],
)
def test_several_descriptions(answer):
    assert clean_answer(answer, 2) == TWO


@pytest.mark.parametrize(
    'answer',
    [
        "I'm sorry, but I cannot help with that.",
        'I\u2019m really sorry, I can\u2019t.',
        'Sorry, but no.',
        'I cannot describe faces.',
        'I cannot do so',
        '"I am unable to describe people."',
        'As an AI language model, I have no face.',
        'Unfortunately, I must pass.',
        'That is a delicate matter. I will not judge faces.',
        "It's not possible for me to judge a face.",
        'I must respectfully decline to describe the eyes.',
        "I'm an AI and have no face.",
        "I don't feel comfortable describing a face.",
        'Please provide more context about the face.',
        'This request is about a face.',
        'Eyes and brows of people are against my guidelines.',
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
        ('<think>brows', 1, 'has tags, brackets or a table'),
        ('<|channel|>analysis<|message|>brows', 1, 'has tags'),
        ('["raised brows", "wide eyes"]', 2, 'has tags, brackets'),
        ('{"description": "raised brows"}', 1, 'has tags, brackets'),
        ('| Part | Look |\n|---|---|\n| Brows | up |', 1, 'or a table'),
        ('\u7709\u6bdb brows', 1, 'letters that are not Latin'),
        ('hochgezogene Brauen', 1, 'a line that names no part of a face'),
        ('yes', 1, 'names no part of a face'),
        ('Fear', 1, 'names no part of a face'),
        ('raised brows\nand all that', 1, 'names no part of a face'),
        ('raised brows\nas people do', 2, 'names no part of a face'),
        ('Sure! raised brows', 1, 'has remarks'),
        ('Eyes:\nwide', 2, 'has a headline'),
        ('eyes\n# Notes\nbrows', 1, 'has a headline'),
        ('The look of the upper face:\nwide', 1, 'has a headline'),
        ('wide eyes\nMouth:', 1, 'ends with a headline'),
        ('raised brows', 2, "has 1 lines, not 2: 'raised brows'"),
        ('lip\nlid\njaw', 2, 'has 3 lines, not 2'),
        ('x' * 101, 1, 'has a word of 101 characters'),
        ('wide ' * 4001, 1, 'has 20005 characters'),
        ('eyes \x1b' + 'wide ' * 900, 3, "not 3: 'eyes wide"),
    ],
)
def test_of_no_use(answer, count, message):
    with pytest.raises(UnusableAnswer, match=message) as error:
        clean_answer(answer, count)
    assert len(str(error.value)) < 400
    assert '\x1b' not in str(error.value)


def test_no_answer_takes_long():
    started = time.perf_counter()
    for odd in ('. ', '< ', '<| ', '</ ', '- ', '**', '[ /'):
        with pytest.raises(UnusableAnswer):
            clean_answer(odd * 6000, 1)
    assert time.perf_counter() - started < 2


def test_parts_of_the_face():
    for text in (
        'tight-lipped',
        "crow's feet beside the EYES",
        'a still face',
    ):
        assert names_part(text)
    for text in ('solid, slipped', 'a machine', 'many faces', 'a headline'):
        assert not names_part(text)
