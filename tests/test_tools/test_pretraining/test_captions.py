import re

import numpy as np
import pytest

from mpafer_plugin.datasets.categories import (
    ALIASES,
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
)
from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS, INDEX
from tools.pretraining import captions
from tools.pretraining.wide_faces import sample_wide_units

# fmt: off
EMOTION_WORDS = {
    'smile', 'smiling', 'frown', 'frowning', 'emotion', 'emotional', 'joy',
    'joyful', 'cheerful', 'grief', 'upset', 'afraid', 'scared', 'fright',
    'terror', 'shock', 'shocked', 'astonished', 'rage', 'furious', 'mad',
    'hate', 'scorn', 'worried', 'amused', 'unhappy', 'calm', 'pain', 'snarl',
    'sneer',
    *' '.join((*EXPRESSIONS, *ALIASES, *COMPOUND_EXPRESSIONS)).split(),
}
# fmt: on


def words(text):
    return set(re.findall('[a-z]+', text.lower()))


def test_no_caption_names_an_emotion():
    rng = np.random.default_rng(0)
    for _ in range(500):
        text, _ = captions.caption(rng, sample_wide_units(rng))
        assert not words(text) & EMOTION_WORDS, text


def test_no_phrase_names_an_emotion():
    phrases = [p for _, several in captions._SEEN for p in several]
    phrases += [p for _, several in captions._REST for p in several]
    phrases += [p for *_, several in captions._ONE_SIDED for p in several]
    phrases += captions.TEMPLATES
    for phrase in phrases:
        assert not words(phrase) & EMOTION_WORDS, phrase


def test_what_is_said_is_so():
    rng = np.random.default_rng(1)
    units = np.zeros(len(ACTION_UNITS))
    units[INDEX['AU26']] = 0.9
    said = set()
    for _ in range(60):
        text, mentioned = captions.caption(rng, units)
        said |= words(text)
        assert mentioned.any()
    assert {'jaw', 'dropped', 'brows'} <= said
    assert not said & {'drooping', 'wrinkled', 'pulled'}


@pytest.mark.parametrize('unit', ACTION_UNITS)
def test_every_unit_is_spoken_of(unit):
    units = np.zeros(len(ACTION_UNITS))
    units[INDEX[unit]] = 0.8
    rng = np.random.default_rng(2)
    place = INDEX[unit]
    spoken = [captions.caption(rng, units)[1][place] for _ in range(60)]
    assert any(spoken)


def test_same_source_same_caption():
    units = sample_wide_units(np.random.default_rng(3))
    first = captions.caption(np.random.default_rng(4), units)
    again = captions.caption(np.random.default_rng(4), units)
    assert first[0] == again[0]
