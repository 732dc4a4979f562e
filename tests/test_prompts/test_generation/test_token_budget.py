import pytest
from open_clip import get_tokenizer

from mpafer_plugin.prompts import TEMPLATES
from mpafer_plugin.prompts.generation.token_budget import (
    cut,
    fits,
    prompt_tokens,
    room,
    shorter_limit,
    word_limit,
)

CLAUSE = 'the inner brows raised, '  # 5 tokens


def test_tokens_are_those_of_the_text_tower():
    tokens = get_tokenizer('ViT-B-16')(
        TEMPLATES[3].format(name='in pain', description='wide eyes, a grin')
    )
    assert prompt_tokens('in pain', 'wide eyes, a grin') == (tokens != 0).sum()


def test_room():
    # start, "a photo of a person making a facial expression of", "fear",
    # ",", "with", end
    assert room('fear') == 77 - 15
    assert room('in pain') == 77 - 16
    assert word_limit('fear') == 41
    assert fits('fear', 'brow ' * 62)
    assert not fits('fear', 'brow ' * 63)
    with pytest.raises(ValueError, match=r"class 'a (a )*a' leaves 9 of 77"):
        room('a ' * 53 + 'a')


def test_cut_at_a_clause():
    short = cut('fear', CLAUSE * 20)
    assert short == ', '.join(['the inner brows raised'] * 12)
    assert (
        prompt_tokens('fear', short)
        <= 77
        < prompt_tokens('fear', f'{short}, the inner brows raised')
    )


def test_cut_at_a_word():
    # the only clause is short
    short = cut('fear', 'wide eyes, ' + 'and raised brows ' * 40)
    assert short.startswith('wide eyes, and raised')
    assert short.split()[-1] in ('and', 'raised', 'brows')
    assert prompt_tokens('fear', short) == 77
    # 62 words fit: a clause of half of them is kept, a shorter one is not
    for words, kept in ((31, 31), (29, 61)):
        clause = ' '.join(['brow'] * words)
        text = f'{clause}, ' + 'brow ' * 60
        assert len(cut('fear', text).split()) == kept
    with pytest.raises(ValueError, match='too long'):
        cut('fear', f'{"ab1" * 40} wide')


def test_shorter_limit_follows_the_words():
    assert shorter_limit('fear', ['brow ' * 100]) == 41
    # words of two tokens and more
    long = 'zygomaticus corrugator orbicularis ' * 20
    assert 5 < shorter_limit('fear', ['brow', long]) < 25
