"""Tokenizers and text towers of Hugging Face; most need transformers."""

import json

import open_clip
import pytest
import torch

from mpafer_plugin.clip import (
    build_clip,
    hf_tokenizer,
    load_clip,
    load_tokenizer,
    text_tower,
)
from mpafer_plugin.models import PromptedCLIPText
from tests import families

TEXTS = ['a face', 'a photo of the face.', 'x']
SPECIAL = ['<pad>', '<s>', '</s>', '<unk>']
PLAIN = ['a', 'photo', 'of', 'the', 'face', 'x', 'fear', 'surprise', '.']
WORDS = SPECIAL + PLAIN


@pytest.fixture
def folder(tmp_path):
    """Function that writes a tokenizer of words, with or without a start."""
    pytest.importorskip('transformers')
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    def write(start=True):
        vocabulary = {word: i for i, word in enumerate(WORDS)}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, '<unk>'))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.post_processor = processors.TemplateProcessing(
            single='<s> $A </s>' if start else '$A </s>',
            special_tokens=[('<s>', 1), ('</s>', 2)],
        )
        path = tmp_path / 'tokenizer'
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            pad_token='<pad>',
            eos_token='</s>',
            sep_token='</s>',
            unk_token='<unk>',
        ).save_pretrained(path)
        return path

    return write


def arch(folder, config):
    path = folder / 'arch.json'
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize(
    'family, start', [('SigLIP', False), ('CLIPA', True), ('worldwide', True)]
)
def test_tokens_are_open_clips(family, start, folder, tmp_path, monkeypatch):
    families.shrink_timm(monkeypatch)
    name = str(folder(start))
    config = families.tiny_config(family, dict(hf_tokenizer_name=name))
    config['text_cfg']['eos_id'] = 2
    text = config['text_cfg']
    tokenizer = load_tokenizer(arch(tmp_path, config))
    tokens, lengths = tokenizer(TEXTS)
    assert (tokenizer.starts, tokenizer.ends) == (int(start), 1)
    reference = open_clip.tokenizer.HFTokenizer(
        name, text['context_length'], **text.get('tokenizer_kwargs', {})
    )
    expected = reference(TEXTS)
    if not text.get('no_causal_mask'):
        expected = expected[:, : lengths.max()]
    assert torch.equal(tokens, expected)

    model = families.reference(config)
    tiny = families.write(model, config, tmp_path)
    learnt = PromptedCLIPText(
        **tiny, classes=['fear', 'surprise'], num_context=3, granularity=2
    )
    words = tokenizer.encode('the photo of')
    assert words == [WORDS.index(word) for word in ('the', 'photo', 'of')]
    with torch.no_grad():
        embedding = learnt.tower.token_embedding
        learnt.context.copy_(embedding(torch.tensor(words)))
    texts = ['the photo of fear.', 'the photo of surprise.']
    expected = model.encode_text(reference(texts))
    torch.testing.assert_close(learnt(), expected, atol=1e-5, rtol=1e-5)


def test_the_folder_of_the_weights_has_the_tokenizer(folder, tmp_path):
    config = families.tiny_config('CLIPA', dict(hf_tokenizer_name='none/such'))
    tokenizer = load_tokenizer(arch(tmp_path, config), str(folder()))
    assert tokenizer.encode('a face') == [4, 8]


def test_text_tower_of_transformers(folder, tmp_path):
    pytest.importorskip('transformers')
    from transformers import XLMRobertaConfig, XLMRobertaModel

    path = folder()
    settings = XLMRobertaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=0,
        max_position_embeddings=90,
    )
    XLMRobertaModel(settings).save_pretrained(path)
    config = families.tiny_config('plain')
    config['text_cfg'] = dict(
        hf_model_name=str(path), hf_tokenizer_name=str(path)
    )
    model = build_clip(config).eval().requires_grad_(False)
    tiny = families.write(model, config, tmp_path)
    tokenizer = load_tokenizer(tiny['arch'])
    tokens, lengths = tokenizer(TEXTS)
    tower = text_tower(load_clip(**tiny))
    found = tower.encode_tokens(tokens, lengths)
    torch.testing.assert_close(
        found, model.encode_text(tokens), atol=1e-5, rtol=1e-5
    )
    assert found.abs().max() > 1e-3
    text = PromptedCLIPText(
        **tiny, classes=['fear', 'surprise'], num_context=2, granularity=2
    )
    text().sum().backward()
    assert text.context.grad.abs().max() > 0


def test_without_transformers(monkeypatch):
    monkeypatch.setattr(hf_tokenizer, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install transformers') as error:
        load_tokenizer('ViT-B-16-SigLIP2')
    assert 'timm/ViT-B-16-SigLIP2' in str(error.value)
    with pytest.raises(ImportError, match='xlm-roberta-base'):
        load_clip('xlm-roberta-base-ViT-B-32', None)


def test_a_tokenizer_that_cannot_be_fetched(monkeypatch):
    monkeypatch.setattr(hf_tokenizer, 'find_spec', lambda name: True)
    monkeypatch.setattr(hf_tokenizer, 'reachable_hub', lambda: False)

    def absent(name, *args, **kwargs):
        raise OSError(f'{name} is not cached')

    monkeypatch.setattr('open_clip.tokenizer.HFTokenizer', absent)
    with pytest.raises(ConnectionError, match='Three ways') as error:
        load_tokenizer('ViT-L-14-CLIPA')
    for part in ('bert-base-uncased', 'MPAFER_CLIP', 'EVA02-B-16'):
        assert part in str(error.value)
