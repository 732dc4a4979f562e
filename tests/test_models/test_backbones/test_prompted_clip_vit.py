import pytest
import torch
import torch.nn.functional as F

from mpafer_plugin.models import PromptedCLIPViT


@pytest.fixture
def images():
    return torch.randn(2, 3, 32, 32)


def test_without_prompts_equals_open_clip(tiny, tiny_clip, images):
    backbone = PromptedCLIPViT(**tiny, num_prompts=0)
    assert backbone.prompts is None and not list(backbone.state_dict())
    ((feature, patches),) = backbone(images)
    torch.testing.assert_close(feature, tiny_clip.encode_image(images))
    assert patches.shape == (2, 16, 12)


def test_unprompted_forward_gives_the_frozen_features(tiny, tiny_clip, images):
    backbone = PromptedCLIPViT(**tiny)
    reference = tiny_clip.encode_image(images)
    ((feature, _),) = backbone(images, prompted=False)
    torch.testing.assert_close(feature, reference)
    ((prompted, _),) = backbone(images)
    assert (prompted - reference).abs().max() > 1e-3


def literal_forward(clip, images, prompts):
    """The paper's form on open_clip's own tower: insert and drop."""
    visual = clip.visual
    x = visual._embeds(images)
    n = x.shape[1]
    for i, block in enumerate(visual.transformer.resblocks):
        if i < len(prompts):
            x = torch.cat([x, prompts[i].expand(len(x), -1, -1)], dim=1)
        x = block(x)[:, :n]
    return visual.ln_post(x) @ visual.proj


@pytest.mark.parametrize('depth', [None, 1])
def test_equals_insert_and_drop_in_float64(tiny, tiny_clip, images, depth):
    import copy

    backbone = PromptedCLIPViT(**tiny, prompt_depth=depth).double()
    torch.nn.init.normal_(backbone.prompts)
    clip = copy.deepcopy(tiny_clip).double()
    weights = torch.randn(2, 17, 12, dtype=torch.double)
    ((feature, patches),) = backbone(images.double())
    ours = torch.cat([feature[:, None], patches], dim=1)
    (ours * weights).sum().backward()
    grad = backbone.prompts.grad.clone()
    backbone.prompts.grad = None
    literal = literal_forward(clip, images.double(), backbone.prompts)
    (literal * weights).sum().backward()
    torch.testing.assert_close(ours, literal, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(
        grad, backbone.prompts.grad, atol=1e-10, rtol=1e-10
    )
    assert all(g.abs().max() > 1e-3 for g in grad)


def test_out_types(tiny, images):
    torch.manual_seed(3)
    aligned = PromptedCLIPViT(**tiny)
    ((feature, patches),) = aligned(images)
    for out_type, expected in (
        ('cls_token', feature),
        ('featmap', patches.transpose(1, 2).reshape(2, 12, 4, 4)),
    ):
        backbone = PromptedCLIPViT(**tiny, out_type=out_type)
        backbone.load_state_dict(aligned.state_dict())
        (out,) = backbone(images)
        torch.testing.assert_close(out, expected)


def test_only_the_prompts_learn(tiny, images):
    backbone = PromptedCLIPViT(**tiny)
    assert backbone.train() is backbone
    assert backbone.training
    assert not any(m.training for m in backbone.tower.modules())
    assert list(backbone.state_dict()) == ['prompts']
    ((feature, patches),) = backbone(images)
    (feature.sum() + patches.sum()).backward()
    with_grad = [
        n for n, p in backbone.named_parameters() if p.grad is not None
    ]
    assert with_grad == ['prompts']


def test_prompts_are_drawn_as_in_the_paper(tiny):
    backbone = PromptedCLIPViT(**tiny, num_prompts=2000)
    assert backbone.prompts.shape == (2, 2000, 16)
    assert backbone.prompts.mean().abs() < 1e-3
    assert backbone.prompts.std().item() == pytest.approx(0.02, rel=0.02)


@pytest.mark.parametrize(
    'kwargs, message',
    [
        (dict(out_type='avg'), "out_type='avg' is not one of"),
        (dict(prompt_depth=3), 'prompt_depth=3 is not in 1 to 2'),
        (dict(prompt_depth=0), 'prompt_depth=0 is not in 1 to 2'),
        (dict(num_prompts=-1), 'num_prompts=-1 is negative'),
    ],
)
def test_wrong_arguments(tiny, kwargs, message):
    with pytest.raises(ValueError, match=message):
        PromptedCLIPViT(**tiny, **kwargs)


def test_checkpointing_changes_memory_and_nothing_else(tiny, images):
    plain = PromptedCLIPViT(**tiny)
    thrifty = PromptedCLIPViT(**tiny, with_cp=True)
    kept, grads, features = [], [], []
    for backbone in (plain, thrifty):
        backbone.load_state_dict(plain.state_dict())
        tensors = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, seen=tensors: seen.setdefault(t.data_ptr(), t),
            lambda t: t,
        ):
            ((feature, patches),) = backbone(images)
        kept.append(sum(t.numel() for t in tensors.values()))
        (feature.sum() + patches.square().sum()).backward()
        grads.append(backbone.prompts.grad)
        features.append(feature)
    torch.testing.assert_close(*features, rtol=0, atol=0)
    torch.testing.assert_close(*grads, rtol=0, atol=0)
    assert kept[1] < 0.5 * kept[0]


@pytest.mark.parametrize('with_cp', [False, True])
def test_a_cast_tower_is_near_and_prompts_stay(tiny, images, with_cp):
    backbone = PromptedCLIPViT(**tiny, with_cp=with_cp)
    fingerprint, results = backbone.fingerprint, []
    for _ in range(2):
        ((feature, patches),) = backbone(images)
        loss = feature.float().sum() + patches.float().square().sum()
        results.append([loss, *torch.autograd.grad(loss, backbone.prompts)])
        backbone.tower.cast(torch.bfloat16)
    assert feature.dtype == patches.dtype == torch.bfloat16
    assert backbone.prompts.dtype == results[1][1].dtype == torch.float32
    torch.testing.assert_close(results[1][0], results[0][0], rtol=0.03, atol=0)
    full, cast = (grad.flatten() for _, grad in results)
    assert F.cosine_similarity(full, cast, dim=0) > 0.99
    assert backbone.fingerprint == fingerprint
    with torch.autocast('cpu', torch.bfloat16):
        ((same, _),) = backbone(images)
    assert torch.equal(same, feature)


def test_a_tower_that_is_not_frozen(tiny, images):
    backbone = PromptedCLIPViT(
        **tiny, num_prompts=0, frozen=False, out_type='cls_token'
    ).train()
    assert backbone.tower.training
    backbone(images)[0].sum().backward()
    assert all(p.grad is not None for p in backbone.parameters())
    other = PromptedCLIPViT(
        **tiny, num_prompts=0, frozen=False, out_type='cls_token'
    )
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    other.load_state_dict(backbone.state_dict(), strict=True)
    torch.testing.assert_close(other(images), backbone(images))


@pytest.mark.filterwarnings('ignore')  # deprecated
def test_quantised_layers_work(tiny, images):
    """Dynamic quantisation replaces the linear layers of the MLPs."""
    quantization = pytest.importorskip('torch.ao.quantization')
    vit = PromptedCLIPViT(**tiny).eval()
    quantised = quantization.quantize_dynamic(vit, {torch.nn.Linear})
    layer = quantised.tower.blocks[0].mlp.c_fc
    assert not isinstance(layer, torch.nn.Linear)
    with torch.no_grad():
        expected, found = vit(images)[0][0], quantised(images)[0][0]
    assert F.cosine_similarity(expected, found).min() > 0.99
    assert not torch.equal(expected, found)


@pytest.mark.parametrize('size, grid', [(48, (6, 6)), ([64, 32], (8, 4))])
def test_images_of_another_size(tiny, size, grid):
    vit = PromptedCLIPViT(**tiny, image_size=size, out_type='featmap')
    images = torch.randn(2, 3, 8 * grid[0], 8 * grid[1])
    assert vit(images)[0].shape == (2, 12, *grid)
    with pytest.raises(ValueError, match='image_size'):
        vit(torch.randn(2, 3, 32, 32))


def test_fingerprint_knows_the_size(tiny):
    def build(size=None):
        return PromptedCLIPViT(**tiny, image_size=size).fingerprint

    assert build() == build(32) == build((32, 32))
    assert len({build(s) for s in (32, 64, (16, 64), (64, 16))}) == 4
    assert build(64) == build([64, 64])


def test_wrong_sizes_of_images(tiny):
    for size in (0, 30, '32', [32, 32, 32]):
        with pytest.raises(ValueError, match='image_size='):
            PromptedCLIPViT(**tiny, image_size=size)
