import json
import time

import pytest
import torch
from safetensors.torch import save_file

from mpafer_plugin.clip import architecture, fingerprint, load_clip


def assert_same(clip, reference):
    assert clip.state_dict().keys() == reference.state_dict().keys()
    for key, value in reference.state_dict().items():
        torch.testing.assert_close(clip.state_dict()[key], value)


def test_state_dict(tiny_arch, tiny_weights, tiny_clip):
    clip = load_clip(tiny_arch, tiny_weights)
    assert_same(clip, tiny_clip)
    images, text = torch.randn(2, 3, 32, 32), torch.tensor([[5, 49407, 0]])
    text = torch.nn.functional.pad(text, (0, 74))
    with torch.no_grad():
        for a, b in zip(
            clip(images, text), tiny_clip(images, text), strict=True
        ):
            torch.testing.assert_close(a, b)


def test_training_checkpoint_with_module_prefix(
    tiny_arch, tiny_clip, tmp_path
):
    path = tmp_path / 'epoch_1.pt'
    weights = {f'module.{k}': v for k, v in tiny_clip.state_dict().items()}
    torch.save({'epoch': 1, 'state_dict': weights}, path)
    assert_same(load_clip(tiny_arch, str(path)), tiny_clip)


@pytest.mark.parametrize('prefix', ['_orig_mod.', 'module._orig_mod.'])
def test_weights_of_a_compiled_model(prefix, tiny_arch, tiny_clip, tmp_path):
    path = tmp_path / 'compiled.pt'
    weights = {f'{prefix}{k}': v for k, v in tiny_clip.state_dict().items()}
    torch.save(weights, path)
    assert_same(load_clip(tiny_arch, str(path)), tiny_clip)
    # A tower alone may have been compiled.
    weights = {
        k.replace('visual.', 'visual._orig_mod.'): v
        for k, v in tiny_clip.state_dict().items()
    }
    torch.save(weights, path)
    assert_same(load_clip(tiny_arch, str(path)), tiny_clip)


def test_errors_fit_on_a_screen(tiny_arch, tiny_clip, tmp_path):
    path = tmp_path / 'other.pt'
    weights = {f'model.{k}': v for k, v in tiny_clip.state_dict().items()}
    torch.save(weights, path)
    with pytest.raises(ValueError, match='missing: ') as error:
        load_clip(tiny_arch, str(path))
    assert f'{len(weights)} unknown: model.' in str(error.value)
    assert len(str(error.value)) < 24 * 80
    with pytest.raises(ValueError, match="'ViT-B-61'") as error:
        load_clip('ViT-B-61', 'openai')
    assert 'ViT-B-16' in str(error.value)
    assert len(str(error.value)) < 24 * 80


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e30])
def test_weights_that_are_not_finite(value, tiny_arch, tiny_clip, tmp_path):
    path = tmp_path / 'nan.pt'
    weights = {k: v.clone() for k, v in tiny_clip.state_dict().items()}
    weights['visual.proj'][0, 0] = value
    torch.save(weights, path)
    with pytest.raises(ValueError, match=r'nan\.pt.* finite.*visual\.proj$'):
        load_clip(tiny_arch, str(path))


def test_safetensors(tiny_arch, tiny_clip, tmp_path):
    path = tmp_path / 'weights.safetensors'
    save_file(tiny_clip.state_dict(), path)
    assert_same(load_clip(tiny_arch, str(path)), tiny_clip)


def test_half_precision_file_is_computed_in_float32(
    tiny_arch, tiny_clip, tmp_path
):
    path = tmp_path / 'half.pt'
    torch.save({k: v.half() for k, v in tiny_clip.state_dict().items()}, path)
    clip = load_clip(tiny_arch, str(path))
    assert {p.dtype for p in clip.parameters()} == {torch.float32}
    assert clip.attn_mask.dtype == torch.float32


def test_missing_and_unknown_keys_are_listed(tiny_arch, tiny_clip, tmp_path):
    weights = dict(tiny_clip.state_dict())
    weights['visual.extra'] = weights.pop('visual.proj')
    weights['ln_final.bias'] = torch.zeros(3)
    path = tmp_path / 'other.pt'
    torch.save(weights, path)
    with pytest.raises(ValueError) as error:
        load_clip(tiny_arch, str(path))
    message = str(error.value)
    assert '1 missing: visual.proj;' in message
    assert '1 unknown: visual.extra;' in message
    assert 'ln_final.bias (3,), not (16,)' in message
    assert str(path) in message


def test_a_pickle_is_not_run(tiny_arch, tmp_path):
    class Payload:
        def __reduce__(self):
            return open, (str(tmp_path / 'ran'), 'w')

    path = tmp_path / 'evil.pt'
    torch.save({'state_dict': Payload()}, path)
    with pytest.raises(ValueError, match='cannot be read as CLIP weights'):
        load_clip(tiny_arch, str(path))
    assert not (tmp_path / 'ran').exists()
    # The control: read without the protection, the payload does run.
    torch.load(path, weights_only=False)['state_dict'].close()
    assert (tmp_path / 'ran').exists()


def test_a_file_of_something_else(tiny_arch, tmp_path):
    path = tmp_path / 'list.pt'
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match='holds a list'):
        load_clip(tiny_arch, str(path))


def test_none_warns_of_random_weights(tiny_arch):
    with pytest.warns(UserWarning, match='RANDOM weights'):
        load_clip(tiny_arch, None)


@pytest.mark.parametrize('arch', ['ViT-B-16', 'ViT-B-16-quickgelu'])
def test_no_network_and_no_file(arch, monkeypatch, tmp_path):
    # An address that refuses at once, and an empty cache.
    monkeypatch.setattr(
        'huggingface_hub.constants.ENDPOINT', 'http://127.0.0.1:9'
    )
    monkeypatch.setattr(
        'huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path)
    )
    start = time.monotonic()
    with pytest.raises(ConnectionError, match='Three ways') as error:
        load_clip(arch, 'openai')
    assert time.monotonic() - start < 10
    for way in ('tag', 'copy the file', 'face-tiny'):
        assert way in str(error.value)


def test_unknown_tag_lists_the_known_ones(tiny_arch):
    with pytest.raises(ValueError, match="'opnai'") as error:
        load_clip('ViT-B-16', 'opnai')
    assert 'laion2b_s34b_b88k' in str(error.value)
    with pytest.raises(ValueError, match='tags are: face-tiny'):
        load_clip('face-tiny', 'openai')
    with pytest.raises(ValueError, match='tags are: none'):
        load_clip(tiny_arch, 'openai')


def activation(clip):
    return type(clip.visual.transformer.resblocks[0].mlp.gelu).__name__


def test_activation_of_a_bare_file_follows_the_name(
    tiny_arch, tiny_weights, tmp_path, capsys
):
    assert activation(load_clip(tiny_arch, tiny_weights)) == 'QuickGELU'
    with open(tiny_arch) as file:
        text = file.read()
    plain = tmp_path / 'plain.json'
    plain.write_text(text.replace('"quick_gelu": true', '"quick_gelu": false'))
    clip = load_clip(str(plain), tiny_weights)
    assert activation(clip) == 'GELU'
    assert fingerprint(clip) != fingerprint(load_clip(tiny_arch, tiny_weights))


def test_activation_of_a_published_file_follows_its_digest(
    tiny_arch, tiny_weights, tmp_path, monkeypatch
):
    import hashlib

    from open_clip import pretrained

    with open(tiny_arch) as file:
        text = file.read()
    plain = tmp_path / 'plain.json'
    plain.write_text(text.replace('"quick_gelu": true', '"quick_gelu": false'))
    with open(tiny_weights, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    url = f'https://example.org/{digest}/ViT.pt'
    monkeypatch.setitem(
        pretrained._PRETRAINED, 'x', {'y': {'url': url, 'quick_gelu': True}}
    )
    assert activation(load_clip(str(plain), tiny_weights)) == 'QuickGELU'


def test_activation_of_a_tag_follows_the_tag(
    tiny_weights, tiny_arch, monkeypatch
):
    from pathlib import Path

    from mpafer_plugin.clip import weights

    monkeypatch.setattr(weights, '_fetch', lambda *args: Path(tiny_weights))
    assert weights.resolve_weights('ViT-B-16', 'openai')[1] is True
    assert weights.resolve_weights('ViT-B-16', 'laion2b_s34b_b88k')[1] is False


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('vision_cfg.head_width', 5, 'divisible'),
        ('vision_cfg.patch_size', 64, 'image_size=32'),
        ('text_cfg.width', 60_000, '89,371,.* parameters'),
    ],
)
def test_an_architecture_file_that_builds_no_model(
    tiny_arch, tmp_path, key, value, message
):
    config = architecture(tiny_arch)
    holder, name = key.split('.')
    config[holder][name] = value
    path = tmp_path / 'wrong.json'
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf'wrong\.json.*{message}'):
        load_clip(str(path), None)
