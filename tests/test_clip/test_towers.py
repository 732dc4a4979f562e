import math

import open_clip
import pytest
import torch
from open_clip.model import CLIP, resize_pos_embed

from mpafer_plugin.clip import (
    ImageTower,
    TextTower,
    Tokenizer,
    architecture,
    build_clip,
    image_tower,
    load_clip,
    text_tower,
)
from tests.families import FAMILIES

SLOW = pytest.mark.slow


@pytest.fixture
def clip(tiny):
    return load_clip(tiny['arch'], tiny['pretrained'])


def test_image_tower(clip, tiny_clip):
    tower = ImageTower(clip)
    assert (tower.width, tower.embed_dim) == (16, 12)
    assert (tower.grid, tower.image_size) == ((4, 4), (32, 32))
    images = torch.randn(2, 3, 32, 32)
    tokens = tower.embed(images)
    assert tokens.shape == (2, 17, 16)
    for block in tower.blocks:
        tokens = block(tokens)
    torch.testing.assert_close(
        tower.project(tokens)[:, 0], tiny_clip.encode_image(images)
    )


def test_image_tower_refuses_other_sizes(clip):
    with pytest.raises(ValueError, match=r'\(2, 3, 48, 32\)'):
        ImageTower(clip).embed(torch.zeros(2, 3, 48, 32))


@pytest.mark.parametrize('size', [(64, 64), (16, 16)])
def test_resized_positions_equal_open_clips(clip, tiny_clip, tiny_arch, size):
    """A CLIP built for the size, with weights as open_clip resizes them."""
    tower = ImageTower(clip)
    tower.resize(size)
    config = architecture(tiny_arch)
    config['vision_cfg']['image_size'] = size
    other, weights = CLIP(**config), dict(tiny_clip.state_dict())
    resize_pos_embed(weights, other)
    other.load_state_dict(weights)
    images = torch.randn(2, 3, *size)
    tokens = tower.embed(images)
    for block in tower.blocks:
        tokens = block(tokens)
    torch.testing.assert_close(
        tower.project(tokens)[:, 0], other.eval().encode_image(images)
    )
    assert tower.grid == (size[0] // 8, size[1] // 8)
    assert not any(p.requires_grad for p in tower.parameters())


def test_resized_positions_of_as_many_patches(clip):
    """4 x 4 and 2 x 8 patches: open_clip's own would leave them alone."""
    tower = ImageTower(clip)
    before = tower.visual.positional_embedding
    tower.resize((16, 64))
    after = tower.visual.positional_embedding
    assert after.shape == before.shape
    torch.testing.assert_close(after[0], before[0])
    # Rows are halved: their mean over each half stays about the same.
    square, wide = before[1:].mean(0), after[1:].mean(0)
    torch.testing.assert_close(wide, square, atol=0.1, rtol=0)
    assert (after - before).abs().max() > 0.1
    assert tower.embed(torch.zeros(1, 3, 16, 64)).shape == (1, 17, 16)


@pytest.mark.parametrize('size', [(30, 32), (0, 32), (32,), (8, 8.0)])
def test_resized_to_parts_of_patches(clip, size):
    with pytest.raises(ValueError, match='8 x 8 pixels') as error:
        ImageTower(clip).resize(size)
    assert repr(size) in str(error.value)


def test_text_tower_equals_all_77_tokens(clip, tiny_clip):
    tower = TextTower(clip)
    texts = ['a face', 'a photo of a person with raised brows.', 'x']
    tokens, lengths = Tokenizer()(texts)
    assert lengths.tolist() == [4, 11, 3]
    assert tokens.shape == (3, 11)
    tokenizer = open_clip.SimpleTokenizer()
    torch.testing.assert_close(
        tower.encode_tokens(tokens, lengths),
        tiny_clip.encode_text(tokenizer(texts)),
    )


def test_too_long_a_text_is_refused_not_cut():
    with pytest.raises(ValueError, match='82 tokens') as error:
        Tokenizer()(['a face', 'brow ' * 80])
    assert 'takes 77' in str(error.value)
    assert Tokenizer()(['brow ' * 75])[1].item() == 77


def supported():
    names = []
    for name in open_clip.list_models():
        try:
            architecture(name)
        except ValueError:
            continue
        names.append(name)
    return names


def test_most_architectures_are_supported():
    assert len(supported()) == 96
    assert {'ViT-B-16', 'ViT-L-14-336-quickgelu', 'ViT-B-16-SigLIP2'} <= set(
        supported()
    )


@pytest.mark.parametrize(
    'name',
    [
        name if name in FAMILIES.values() else pytest.param(name, marks=SLOW)
        for name in supported()
    ],
)
def test_every_supported_architecture_opens(name):
    """Without memory: on the device that has none."""
    config = architecture(name)
    if 'hf_model_name' in config['text_cfg']:
        pytest.skip('its text tower is made of a file of Hugging Face')
    with torch.device('meta'):
        clip = build_clip(config)
        image, text = image_tower(clip), text_tower(clip)
        tokens = image.embed(torch.zeros(1, 3, *image.image_size))
        feature, patches = image.features(tokens)
    dims = config['embed_dim']
    assert feature.shape == (1, dims)
    assert patches.shape == (1, math.prod(image.grid), dims)
    assert image.embed_dim == text.embed_dim == dims
    vision = config['vision_cfg']
    if 'timm_model_name' not in vision:
        assert image.width == vision['width']
        assert len(image.blocks) == vision['layers']
    assert text.width == config['text_cfg']['width']
    for tower in (image, text):
        assert not any(p.requires_grad for p in tower.parameters())
        assert not tower.state_dict()
