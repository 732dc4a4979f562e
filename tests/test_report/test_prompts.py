import pytest
import torch

from mpafer_plugin.apis import build_model
from mpafer_plugin.clip import word_tokens
from mpafer_plugin.report.prompts import (
    nearest_words,
    prompt_attention,
    prompt_numbers,
)


@pytest.fixture
def model(tiny):
    return build_model(**tiny).eval()


def test_a_context_vector_that_is_a_word(model):
    text = model.head.text
    (token,) = word_tokens('happy')
    with torch.no_grad():
        text.context[3] = 2 * text.tower.token_embedding.weight[token]
    words = nearest_words(text, words=2)
    assert len(words) == 10
    assert words[3][0]['word'].strip() == 'happy'
    assert words[3][0]['cosine'] == pytest.approx(1)
    assert words[3][1]['cosine'] < 1


def test_attention_that_is_even(model):
    for block in model.backbone.tower.blocks:
        torch.nn.init.zeros_(block.attn.in_proj_weight)
        torch.nn.init.zeros_(block.attn.in_proj_bias)
    found = prompt_attention(model.backbone, torch.randn(3, 3, 32, 32))
    # 8 prompts beside 16 patches and the class token, in both layers.
    assert found.shape == (3, 2)
    assert found == pytest.approx(8 / 25)


def test_norms_and_cosines(model):
    with torch.no_grad():
        model.backbone.prompts[0] = 1
        model.backbone.prompts[1] = 0.5
        model.head.text.hard_features.copy_(3 * model.head.class_vectors())
    found = prompt_numbers(model, None)
    assert found['norms'] == pytest.approx([4, 2])  # 16 channels
    assert found['cosines'].shape == (7, 7)
    assert found['cosines'].diagonal() == pytest.approx(1)
    assert 'attention' not in found


def test_a_model_without_prompts(tiny):
    model = build_model(
        **tiny, backbone=dict(num_prompts=0), text=dict(num_context=0)
    )
    assert prompt_numbers(model.eval(), None).keys() == {'cosines'}
