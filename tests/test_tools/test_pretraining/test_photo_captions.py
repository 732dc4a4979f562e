import numpy as np

from mpafer_plugin.clip.tokenizer import word_tokens
from tools.pretraining.photo_captions import (
    CONTEMPT,
    LABELS,
    WORDS,
    photo_caption,
)
from tools.pretraining.texts import caption_tokens


def captions(name, count=400):
    rng = np.random.default_rng(0)
    label = LABELS.index(name)
    return [photo_caption(rng, label) for _ in range(count)]


def test_many_wordings():
    for name in LABELS:
        said = captions(name)
        assert len(set(said)) > 300
        for word in WORDS[name]:
            assert any(word in text for text in said), word


def test_contempt_stands_beside_other_words():
    share = np.mean(
        [any(w in t for w in CONTEMPT) for t in captions('disgust', 2000)]
    )
    assert 0.04 < share < 0.08
    assert not any(w in t for w in CONTEMPT for t in captions('happiness'))


def test_lengths():
    lengths = [len(caption_tokens(t)) for n in LABELS for t in captions(n)]
    assert min(lengths) == 1
    assert 50 < max(lengths) <= 75


def test_tokens_by_parts_are_those_of_the_whole():
    for text in captions('fear', 50):
        assert caption_tokens(text) == word_tokens(text)
