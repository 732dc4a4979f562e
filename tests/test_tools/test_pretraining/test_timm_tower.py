import pytest
import timm
import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP

from tools.pretraining.timm_tower import from_timm

SMALL = dict(
    img_size=32,
    patch_size=8,
    embed_dim=16,
    depth=2,
    num_heads=2,
    num_classes=3,
)
TEXT = dict(context_length=8, vocab_size=9, width=8, heads=1, layers=1)


def vit(**changes):
    name = changes.pop('name', 'vit_tiny_patch16_224')
    model = timm.create_model(name, **SMALL | changes).eval()
    for p in model.parameters():  # biases and positions too
        torch.nn.init.normal_(p, std=0.3)
    return model


@pytest.mark.parametrize('act', ['gelu', 'quick_gelu'])
@torch.no_grad()
def test_equals_timm(act):
    model = vit(act_layer=act)
    assert tuple(model.pretrained_cfg['mean']) != OPENAI_DATASET_MEAN
    config, weights = from_timm(model)
    clip = CLIP(**config, text_cfg=TEXT).eval()
    clip.visual.load_state_dict(weights)
    clip.visual.output_tokens = True

    pixels = torch.rand(3, 3, 32, 32)
    mean, std, clip_mean, clip_std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (
            model.pretrained_cfg['mean'],
            model.pretrained_cfg['std'],
            OPENAI_DATASET_MEAN,
            OPENAI_DATASET_STD,
        )
    )
    expected = model.forward_features((pixels - mean) / std)
    token, patches = clip.visual((pixels - clip_mean) / clip_std)
    assert expected.std() > 0.1
    torch.testing.assert_close(token, expected[:, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(patches, expected[:, 1:], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        (dict(global_pool='avg'), "'avg'"),
        (dict(no_embed_class=True), 'positions'),
        (dict(act_layer='gelu_tanh'), 'activation'),
        (dict(img_size=(32, 40)), '40'),
        (dict(name='vit_small_patch16_rope_224'), 'Eva'),
    ],
)
def test_what_open_clip_computes_otherwise(changes, named):
    with pytest.raises(ValueError, match=named):
        from_timm(vit(**changes))
