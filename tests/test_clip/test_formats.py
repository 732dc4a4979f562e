"""Weights as other libraries write them, against what these compute."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models import VisionTransformer
from open_clip import pretrained
from open_clip.model import CLIP, trace_model
from open_clip.openai import load_openai_model
from safetensors.torch import load_file, save_file

from mpafer_plugin.cli.convert_weights import main
from mpafer_plugin.clip import load_clip
from mpafer_plugin.clip import weights as digests
from tests.conftest import ROOT

DATA = Path(__file__).parent / 'files'


def write_arch(folder, **text):
    """An architecture as tiny as that of the files."""
    path = folder / 'arch.json'
    tower = dict(width=16, layers=2)
    config = dict(
        embed_dim=12,
        quick_gelu=True,
        vision_cfg=dict(image_size=32, patch_size=8, head_width=8, **tower),
        text_cfg=dict(
            **(dict(context_length=10, vocab_size=64, heads=2) | tower | text)
        ),
    )
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize('old', [False, True])
@pytest.mark.parametrize('suffix', ['.safetensors', '.pt'])
def test_hugging_face(old, suffix, tmp_path):
    weights = load_file(DATA / 'hugging_face_tiny.safetensors')
    expected = load_file(DATA / 'hugging_face_tiny_features.safetensors')
    if old:  # versions up to 4.30 kept these
        for tower, length in (('vision', 17), ('text', 10)):
            name = f'{tower}_model.embeddings.position_ids'
            weights[name] = torch.arange(length)[None]
    path = tmp_path / f'model{suffix}'
    (save_file if suffix == '.safetensors' else torch.save)(weights, path)
    clip = load_clip(write_arch(tmp_path), str(path))
    with torch.no_grad():
        image = clip.encode_image(expected['images'], normalize=True)
        text = clip.encode_text(expected['tokens'], normalize=True)
    for own, other in (
        (image, expected['image']),
        (text, expected['text']),
    ):
        assert own.std() > 0.1
        torch.testing.assert_close(own, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    'name', ['model.safetensors', 'pytorch_model.bin', 'other.bin']
)
def test_hugging_face_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = load_file(DATA / 'hugging_face_tiny.safetensors')
    # The name of a tag: one of the architecture comes first.
    folder = tmp_path / 'openai'
    folder.mkdir()
    (folder / 'config.json').write_text('{}')
    is_safe = name.endswith('.safetensors')
    (save_file if is_safe else torch.save)(weights, folder / name)
    if name == 'other.bin':
        with pytest.raises(ValueError, match=r'openai.*model\.safetensors'):
            load_clip(write_arch(tmp_path), 'openai')
        return
    clip = load_clip(write_arch(tmp_path), 'openai')
    own = load_clip(
        write_arch(tmp_path), str(DATA / 'hugging_face_tiny.safetensors')
    )
    assert torch.equal(clip.visual.proj, own.visual.proj)


def test_hugging_face_with_a_tensor_missing(tmp_path):
    weights = load_file(DATA / 'hugging_face_tiny.safetensors')
    del weights['text_model.encoder.layers.1.self_attn.v_proj.weight']
    del weights['vision_model.post_layernorm.bias']
    path = tmp_path / 'model.safetensors'
    save_file(weights, path)
    name = r'transformer.resblocks.1.attn.in_proj_weight'
    with pytest.raises(
        ValueError,
        match=rf'1 missing: visual.ln_post.*{name} \(32, 16\), not \(48, 16\)',
    ):
        load_clip(write_arch(tmp_path), str(path))


def test_mmpretrain(tiny_arch, tiny_clip, tmp_path):
    """Its own image tower, beside text names that are OpenAI's there too."""
    tower = VisionTransformer(
        arch=dict(
            embed_dims=16,
            num_layers=2,
            num_heads=2,
            feedforward_channels=64,
        ),
        img_size=32,
        patch_size=8,
        pre_norm=True,
        norm_cfg=dict(type='LN', eps=1e-5),  # the host's default is 1e-6
        layer_cfgs=dict(act_cfg=dict(type='QuickGELU')),
    )
    tower.eval()
    for parameter in tower.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    projection = torch.randn(16, 12)
    weights = {
        f'visual.{name}': value for name, value in tower.state_dict().items()
    }
    # The host has no bias here, nor have OpenAI's weights.
    weights.pop('visual.patch_embed.projection.bias', None)
    weights['visual_proj.proj'] = projection
    text = tiny_clip.state_dict()
    weights |= {k: v for k, v in text.items() if not k.startswith('visual.')}
    path = tmp_path / 'mmpretrain.pth'
    torch.save(dict(state_dict=weights, meta={}), path)

    clip = load_clip(tiny_arch, str(path))
    images = torch.randn(2, 3, 32, 32)
    tokens = F.pad(torch.tensor([[5, 49407]]), (0, 75))
    with torch.no_grad():
        expected = tower(images)[-1] @ projection
        torch.testing.assert_close(
            clip.encode_image(images), expected, atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            clip.encode_text(tokens), tiny_clip.encode_text(tokens)
        )


def test_an_image_tower_alone_is_not_enough(tiny_arch, tmp_path):
    path = tmp_path / 'backbone.pth'
    torch.save({'backbone.cls_token': torch.zeros(1, 1, 16)}, path)
    with pytest.raises(
        ValueError, match=r'62 missing: .*; 1 unknown: backbone\.cls_token$'
    ):
        load_clip(tiny_arch, str(path))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype, tiny_arch, tiny_clip, tmp_path):
    half = {k: v.to(dtype) for k, v in tiny_clip.state_dict().items()}
    path = tmp_path / 'half.safetensors'
    save_file(half, path)
    clip = load_clip(tiny_arch, str(path))
    with open(tiny_arch) as file:
        expected = CLIP(**json.load(file)).eval()
    expected.load_state_dict({k: v.float() for k, v in half.items()})
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            clip.encode_image(images), expected.encode_image(images)
        )
    assert {p.dtype for p in clip.parameters()} == {torch.float32}


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    """A JIT archive like OpenAI's, and the JSON of its architecture.

    Heads are 64 wide, as open_clip assumes of OpenAI's.
    """
    folder = tmp_path_factory.mktemp('jit')
    arch = write_arch(folder, width=64, heads=1)
    config = json.loads(Path(arch).read_text())
    config['vision_cfg'] |= dict(width=64, head_width=64)
    Path(arch).write_text(json.dumps(config))
    torch.manual_seed(0)
    # OpenAI's weights are of half precision.
    clip = CLIP(**config).half().float().eval()
    clip.visual.image_size = 32
    clip.attn_mask = clip._buffers.pop('attn_mask')  # OpenAI's hold none
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.jit.save(trace_model(clip, 2), folder / 'ViT.pt')
    return str(folder / 'ViT.pt'), arch


def features(clip):
    torch.manual_seed(3)
    images = torch.randn(2, 3, 32, 32)
    tokens = torch.tensor([[62, 5, 63, 0, 0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        return clip.encode_image(images), clip.encode_text(tokens)


def assert_same_as_open_clips(clip, path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        reference = load_openai_model(path, device='cpu')
    for own, other in zip(features(clip), features(reference), strict=True):
        torch.testing.assert_close(own, other, atol=1e-5, rtol=0)


def test_jit_archive_of_unknown_origin_is_not_opened(archive, monkeypatch):
    path, arch = archive
    monkeypatch.setattr(torch.jit, 'load', lambda *a, **k: pytest.fail('ran'))
    with pytest.raises(ValueError, match='--trust') as error:
        load_clip(arch, path)
    assert digests.sha256(Path(path)) in str(error.value)


def publish(monkeypatch, url):
    entry = {'y': {'url': url, 'quick_gelu': True}}
    monkeypatch.setitem(pretrained._PRETRAINED, 'x', entry)


def test_published_jit_archive(archive, monkeypatch):
    path, arch = archive
    digest = digests.sha256(Path(path))
    publish(monkeypatch, f'https://example.org/{digest}/ViT.pt')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        clip = load_clip(arch, path)
    assert_same_as_open_clips(clip, path)


def test_eight_digits_are_no_proof(archive, monkeypatch):
    path, arch = archive
    digest = digests.sha256(Path(path))
    publish(monkeypatch, f'https://example.org/ViT-{digest[:8]}.pt')
    assert digests.published_quick_gelu(Path(path)) is True
    with pytest.raises(ValueError, match='not that of a published one'):
        load_clip(arch, path)


def convert(*args):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, str(ROOT / 'tools' / 'convert_weights.py'), *args],
        capture_output=True,
        text=True,
    )


def test_trusted_jit_archive_is_converted_once(archive, tmp_path, capsys):
    path, arch = archive
    out = str(tmp_path / 'ViT.safetensors')
    refused = convert(path, out)
    assert refused.returncode == 1
    assert 'is a JIT archive' in refused.stderr
    assert not main([path, out, '--trust'])
    assert 'tensors' in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ['ViT.safetensors']
    assert_same_as_open_clips(load_clip(arch, out), path)
    for args, message in (
        ((path, out, '--trust'), 'exists already'),
        ((path, str(tmp_path / 'ViT.pt')), 'must end in .safetensors'),
        (('nowhere.pt', out), 'is no file or folder'),
    ):
        with pytest.raises(SystemExit) as end:
            main(list(args))
        assert end.value.code == 2
        assert message in capsys.readouterr().err


def test_further_tensors_are_dropped(tiny_clip, tiny_arch, tmp_path, capsys):
    """FaRL's files have those of a second task, and are of a compiled DDP."""
    weights = {
        f'module._orig_mod.{key}': value
        for key, value in tiny_clip.state_dict().items()
    }
    lm = {f'visual.lm_{i}': torch.ones(2) for i in range(2)}
    folder = tmp_path / 'FaRL'
    folder.mkdir()
    torch.save({'state_dict': weights | lm}, folder / 'pytorch_model.bin')
    with pytest.raises(ValueError, match=r'2 unknown: visual\.lm_0'):
        load_clip(tiny_arch, str(folder))
    out = str(tmp_path / 'FaRL.safetensors')
    assert main([str(folder), out, '--drop', 'visual.lm*', 'none.*']) == 2
    assert "'none.*'" in capsys.readouterr().err
    assert not main([str(folder), out, '--drop', 'visual.lm_*'])
    assert 'dropped: visual.lm_0, visual.lm_1' in capsys.readouterr().out
    for name, value in load_clip(tiny_arch, out).state_dict().items():
        torch.testing.assert_close(value, tiny_clip.state_dict()[name])


def test_damaged_files(tiny_arch, tmp_path):
    path = tmp_path / 'cut.safetensors'
    path.write_bytes(
        (DATA / 'hugging_face_tiny.safetensors').read_bytes()[:99]
    )
    with pytest.raises(ValueError, match='cannot be read as CLIP weights'):
        load_clip(tiny_arch, str(path))
    path = tmp_path / 'text.pt'
    path.write_text('version https://git-lfs')
    with pytest.raises(ValueError, match='cannot be read as CLIP weights'):
        load_clip(tiny_arch, str(path))
