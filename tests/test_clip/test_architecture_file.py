import copy
import json

import pytest
from open_clip import get_model_config, list_models

from mpafer_plugin.clip import architecture, load_clip
from mpafer_plugin.clip.architecture_file import read_architecture
from mpafer_plugin.clip.hf_tokenizer import load_tokenizer
from mpafer_plugin.clip.weights import resolve_weights


def changed(config, **values):
    """Change values of a config, as 'vision_cfg.width' = 3."""
    config = copy.deepcopy(config)
    for key, value in values.items():
        *parents, key = key.split('.')
        holder = config
        for parent in parents:
            holder = holder[parent]
        holder[key] = value
    return config


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('embed_dim', None, r'embed_dim=None .* whole number'),
        ('embed_dim', True, 'embed_dim=True .* whole number'),
        ('embed_dim', 10**400, 'embed_dim=an integer of 1329 bits'),
        ('quick_gelu', 1, 'quick_gelu=1 .* true or false'),
        ('vision_cfg', [], r'vision_cfg=\[\] .* object'),
        ('vision_cfg.image_size', -32, 'image_size=-32 .* 1 to 4096'),
        ('vision_cfg.image_size', [32, '32'], r"image_size=\[32, '32'\]"),
        ('vision_cfg.layers', 100_000, 'layers=100000 .* 1 to 1000'),
        ('vision_cfg.mlp_ratio', float('nan'), 'mlp_ratio=nan .* finite'),
        ('vision_cfg.widht', 16, "unknown key 'vision_cfg.widht'"),
        ('vision_cfg.pool_type', 'max', "='max' .* 'tok', 'avg', 'none'"),
        ('text_cfg.heads', '2', "text_cfg.heads='2'"),
        ('text_cfg.hf_tokenizer_name', 7, 'hf_tokenizer_name=7 .* text'),
        ('text_cfg.layers', [0] * 10_000, r'layers=\[0, 0, .*\.\.\.\]'),
    ],
)
def test_values_that_are_wrong(tiny_arch, tmp_path, key, value, message):
    path = tmp_path / 'wrong.json'
    config = changed(architecture(tiny_arch), **{key: value})
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf'wrong\.json.*{message}'):
        architecture(str(path))


@pytest.mark.parametrize('name', list_models())
def test_open_clips_own_files_are_read(name, tmp_path):
    path = tmp_path / 'own.json'
    path.write_text(json.dumps(get_model_config(name)))
    assert read_architecture(path) == get_model_config(name)


def test_a_name_that_no_file_has():
    with pytest.raises(ValueError, match=r'x+.* does not exist') as error:
        architecture('x' * 10_000 + '.json')
    assert len(str(error.value)) < 1000
    for name in ('x' * 10_000, ''):
        with pytest.raises(ValueError, match=r'unknown .* architecture'):
            architecture(name)
    for name in ('x' * 10_000, '~no-such-user/w.pt'):
        with pytest.raises(ValueError, match=r'no file, folder or tag') as e:
            resolve_weights('ViT-B-16', name)
        assert name[:9] in str(e.value)


def test_null_names_are_none(tiny_arch, tmp_path):
    config = architecture(tiny_arch)
    config['vision_cfg']['timm_model_name'] = None
    config['text_cfg']['hf_model_name'] = None
    path = tmp_path / 'null.json'
    path.write_text(json.dumps(config))
    assert load_clip(str(path), None).visual.image_size == (32, 32)


def test_a_vocabulary_that_is_too_small(tiny_arch, tmp_path):
    path = tmp_path / 'small.json'
    config = changed(architecture(tiny_arch), **{'text_cfg.vocab_size': 9})
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r'small\.json.*vocab_size=9'):
        load_tokenizer(str(path))
