import json

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from open_clip import SimpleTokenizer

from mpafer_plugin.models import PromptedCLIPText

CLASSES = ['happiness', 'fear', 'happily surprised']
tokenizer = SimpleTokenizer()


def test_without_context_equals_open_clip(tiny, tiny_clip):
    text = PromptedCLIPText(**tiny, classes=CLASSES, num_context=0)
    assert text.context is None
    reference = tiny_clip.encode_text(
        tokenizer([f'{name}.' for name in CLASSES])
    )
    torch.testing.assert_close(text(), reference)


def test_context_of_words_equals_open_clip(tiny, tiny_clip):
    """With a sentence's embeddings for context, it is that sentence."""
    words = 'a photo of a face that shows some clear strong'
    ids = tokenizer.encode(words)
    text = PromptedCLIPText(**tiny, classes=CLASSES, num_context=len(ids))
    with torch.no_grad():
        text.context.copy_(tiny_clip.token_embedding(torch.tensor(ids)))
    reference = tiny_clip.encode_text(
        tokenizer([f'{words} {name}.' for name in CLASSES])
    )
    torch.testing.assert_close(text(), reference)


@pytest.mark.parametrize('granularity', [1, 2, 3])
def test_hard_prompts_equal_open_clip(tiny, tiny_clip, granularity):
    text = PromptedCLIPText(**tiny, classes=CLASSES, granularity=granularity)
    texts = [texts[0] for texts in text.hard_texts]
    assert 'happiness' in texts[0]
    torch.testing.assert_close(
        text.hard_features, tiny_clip.encode_text(tokenizer(texts))
    )
    ids = tokenizer.encode(texts[1])
    torch.testing.assert_close(
        text.hard_tokens[1],
        tiny_clip.token_embedding(torch.tensor(ids)).mean(0),
    )


def test_mean_granularity(tiny):
    parts = [
        PromptedCLIPText(**tiny, classes=CLASSES, granularity=g)
        for g in (1, 2, 3)
    ]
    mean = PromptedCLIPText(**tiny, classes=CLASSES, granularity='mean')
    features = [F.normalize(part.hard_features, dim=-1) for part in parts]
    torch.testing.assert_close(mean.hard_features, sum(features) / 3)
    tokens = [part.hard_tokens for part in parts]
    torch.testing.assert_close(mean.hard_tokens, sum(tokens) / 3)


def test_hard_prompts_given_as_texts(tiny, tiny_clip):
    texts = ['a grin', 'wide eyes', 'both']
    text = PromptedCLIPText(**tiny, classes=CLASSES, hard_prompts=texts)
    torch.testing.assert_close(
        text.hard_features, tiny_clip.encode_text(tokenizer(texts))
    )
    with pytest.raises(ValueError, match='2 hard prompts given for 3'):
        PromptedCLIPText(**tiny, classes=CLASSES, hard_prompts=texts[:2])
    with pytest.raises(ValueError, match=r"\['two', 'texts'\]"):
        texts[1] = ['two', 'texts']
        PromptedCLIPText(**tiny, classes=CLASSES, hard_prompts=texts)


def test_hard_prompts_from_a_file(tiny, tmp_path):
    path = tmp_path / 'own.json'
    content = {
        'schema_version': 1,
        'classes': {'wink': {'descriptions': ['one eye closed']}},
    }
    path.write_text(json.dumps(content))
    text = PromptedCLIPText(
        **tiny, classes=['wink'], hard_prompts=str(path), granularity=3
    )
    ((hard_text,),) = text.hard_texts
    assert hard_text.endswith('of wink, with one eye closed')


def test_several_descriptions_are_averaged(tiny, tiny_clip, tmp_path):
    path = tmp_path / 'own.json'
    entry = {'descriptions': ['one eye closed', 'a raised cheek']}
    path.write_text(
        json.dumps({'schema_version': 1, 'classes': {'wink': entry}})
    )
    text = PromptedCLIPText(**tiny, classes=['wink'], hard_prompts=str(path))
    (texts,) = text.hard_texts
    assert len(texts) == 2
    features = F.normalize(tiny_clip.encode_text(tokenizer(texts)), dim=-1)
    torch.testing.assert_close(text.hard_features[0], features.mean(0))


def test_granularities_weigh_alike_in_the_mean(tiny, tmp_path):
    path = tmp_path / 'own.json'
    entry = {'descriptions': ['one eye closed', 'a raised cheek', 'a grin']}
    path.write_text(
        json.dumps({'schema_version': 1, 'classes': {'wink': entry}})
    )

    def build(granularity):
        return PromptedCLIPText(
            **tiny,
            classes=['wink'],
            hard_prompts=str(path),
            granularity=granularity,
        )

    mean = build('mean')
    assert len(mean.hard_texts[0]) == 1 + 1 + 3
    parts = [build(g) for g in (1, 2, 3)]
    # one text alone is not normalised
    features = [F.normalize(part.hard_features, dim=-1) for part in parts[:2]]
    features.append(parts[2].hard_features)
    torch.testing.assert_close(mean.hard_features, sum(features) / 3)
    tokens = [part.hard_tokens for part in parts]
    torch.testing.assert_close(mean.hard_tokens, sum(tokens) / 3)


def test_prompt_names(tiny, tiny_clip):
    text = PromptedCLIPText(
        **tiny,
        classes=CLASSES,
        num_context=0,
        granularity=1,
        prompt_names={'happiness': 'happy'},
    )
    assert text.classes[0] == 'happiness'
    assert text.hard_texts[0][0] == 'a photo of happy'
    torch.testing.assert_close(
        text()[:1], tiny_clip.encode_text(tokenizer(['happy.']))
    )


def test_soft_tokens_by_hand(tiny, tiny_clip):
    text = PromptedCLIPText(**tiny, classes=CLASSES, num_context=3)
    ids = tokenizer.encode('happily surprised.')
    words = tiny_clip.token_embedding(torch.tensor(ids))
    expected = torch.cat([text.context.detach(), words]).mean(0)
    torch.testing.assert_close(text.soft_tokens()[2], expected)


def test_ends_of_text_can_count(tiny, tiny_clip):
    text = PromptedCLIPText(
        **tiny, classes=CLASSES, num_context=0, pool_ends=True
    )
    for vectors, texts in (
        (text.soft_tokens(), [f'{name}.' for name in CLASSES]),
        (text.hard_tokens, [texts[0] for texts in text.hard_texts]),
    ):
        for vector, prompt in zip(vectors, texts, strict=True):
            ids = torch.tensor([49406, *tokenizer.encode(prompt), 49407])
            torch.testing.assert_close(
                vector, tiny_clip.token_embedding(ids).mean(0)
            )


def test_masked_name_leaves_only_what_all_classes_share(tiny):
    text = PromptedCLIPText(**tiny, classes=CLASSES, mask_name=True)
    tokens = text.soft_tokens()
    torch.testing.assert_close(tokens[0], tokens[1])
    torch.testing.assert_close(tokens[0], tokens[2])
    plain = PromptedCLIPText(**tiny, classes=CLASSES)
    assert (text.hard_tokens - plain.hard_tokens).abs().max() > 1e-3


@pytest.mark.parametrize(
    'specific, shape', [(False, (10, 16)), (True, (3, 10, 16))]
)
def test_only_the_context_learns(tiny, specific, shape):
    text = PromptedCLIPText(
        **tiny, classes=CLASSES, class_specific_context=specific
    )
    text.train()
    assert not any(m.training for m in text.tower.modules())
    assert list(text.state_dict()) == ['context']
    assert text.context.shape == shape
    (text().sum() + text.soft_tokens().sum()).backward()
    with_grad = [n for n, p in text.named_parameters() if p.grad is not None]
    assert with_grad == ['context']


def test_a_context_for_each_class_is_its_own(tiny):
    text = PromptedCLIPText(
        **tiny, classes=CLASSES, class_specific_context=True
    )
    before = text().detach()
    with torch.no_grad():
        torch.nn.init.normal_(text.context[1])
    change = (text() - before).abs().amax(1)
    assert change[1] > 1e-3
    assert change[0] == change[2] == 0


def test_digest_follows_texts_and_order(tiny):
    def digest(classes, **kwargs):
        return PromptedCLIPText(
            **tiny, classes=classes, **kwargs
        ).descriptions_digest

    assert digest(CLASSES) == digest(CLASSES)
    assert digest(CLASSES) != digest(CLASSES[::-1])
    assert digest(CLASSES) != digest(CLASSES, granularity=2)


@pytest.mark.parametrize(
    'kwargs, message',
    [
        (dict(classes=['fear', 'fear']), r"classes=\['fear', 'fear'\]"),
        (dict(classes=['boredom']), "'boredom'"),
        (dict(num_context=-1), 'num_context=-1 is negative'),
        (dict(granularity=4), 'granularity=4 is not one of'),
        (dict(prompt_names={'joy': 'x'}), "prompt_names has 'joy'"),
        (dict(num_context=75), '79 tokens, the text tower takes 77'),
        (dict(hard_prompts=['brow ' * 76] * 3), '78 tokens'),
    ],
)
def test_wrong_arguments(tiny, kwargs, message):
    with pytest.raises(ValueError, match=message):
        PromptedCLIPText(**tiny, **(dict(classes=CLASSES) | kwargs))


SAME_WORD = dict(prompt_names={'happiness': 'glad', 'fear': 'Glad'})


@pytest.mark.parametrize(
    'kind, kwargs, quoted',
    [
        ('Prompted', SAME_WORD, ['happiness', 'fear', 'glad', 'Glad']),
        ('Prompted', SAME_WORD | dict(num_context=0), ['glad']),
        ('Prompted', dict(classes=['fear', 'Fear']), ["'fear'", "'Fear'"]),
        ('HardPrompt', SAME_WORD | dict(granularity=1), ['glad']),
        ('HardPrompt', SAME_WORD | dict(granularity=2), ['glad']),
        ('HardPrompt', dict(hard_prompts=['a', 'b', 'B ']), ['fear', "'b'"]),
    ],
)
def test_classes_whose_vectors_cannot_differ(tiny, kind, kwargs, quoted):
    arguments = dict(type=f'{kind}CLIPText', classes=CLASSES, **tiny)
    with pytest.raises(ValueError, match='cannot differ') as error:
        MODELS.build(arguments | kwargs)
    for part in quoted:
        assert part in str(error.value)


def test_equal_descriptions_are_no_equal_vectors(tiny, tmp_path):
    path = tmp_path / 'same.json'
    entry = dict(descriptions=['open eyes'])
    classes = dict.fromkeys(CLASSES, entry)
    path.write_text(json.dumps(dict(schema_version=1, classes=classes)))
    arguments = dict(classes=CLASSES, hard_prompts=str(path), **tiny)
    MODELS.build(dict(type='HardPromptCLIPText', **arguments))
    with pytest.raises(ValueError, match='cannot differ'):
        MODELS.build(dict(type='HardPromptCLIPText', **arguments, **SAME_WORD))


@pytest.mark.parametrize(
    'kind, kwargs',
    [
        ('Prompted', dict(class_specific_context=True)),
        ('HardPrompt', dict(granularity=3)),  # told apart by descriptions
    ],
)
def test_the_same_word_with_something_else(tiny, kind, kwargs):
    arguments = dict(type=f'{kind}CLIPText', classes=CLASSES, **tiny)
    vectors = MODELS.build(arguments | SAME_WORD | kwargs)()
    assert (vectors[0] - vectors[1]).abs().max() > 1e-3


def test_a_cast_tower_is_near_and_the_context_stays(tiny):
    text = PromptedCLIPText(**tiny, classes=CLASSES)
    expected = text()
    text.tower.cast(torch.bfloat16)
    with torch.autocast('cpu', torch.bfloat16):
        found = text()
    assert found.dtype == torch.bfloat16
    assert F.cosine_similarity(expected, found.float()).min() > 0.999
    found.float().sum().backward()
    assert text.context.grad.dtype == torch.float32
    for name in ('hard_tokens', 'hard_features', '_soft_prefix'):
        assert getattr(text, name).dtype == torch.float32
