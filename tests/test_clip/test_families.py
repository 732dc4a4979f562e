"""Towers of each family of open_clip: parity with open_clip and timm."""

import math
from pathlib import Path

import open_clip
import pytest
import torch
from mmpretrain.structures import DataSample

from mpafer_plugin.apis import build_model
from mpafer_plugin.apis.explanation import explain
from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.clip import (
    image_tower,
    load_clip,
    load_tokenizer,
    prompted_block,
    text_tower,
)
from mpafer_plugin.models import PromptedCLIPText, PromptedCLIPViT
from tests import families
from tools.benchmarks.benchmark_towers import insert_and_drop

TEXTS = ['a face', 'a photo of a person with raised brows.', 'x']
TIMM = [
    name
    for name, arch in families.FAMILIES.items()
    if 'timm_model_name' in open_clip.get_model_config(arch)['vision_cfg']
]


@pytest.fixture(scope='module', params=families.FAMILIES)
def family(request, tmp_path_factory):
    """Name, open_clip's model and the arguments that name it."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        families.shrink_timm(patch)
        config = families.tiny_config(request.param)
        model = families.reference(config)
        folder = tmp_path_factory.mktemp('family')
        yield request.param, model, families.write(model, config, folder)


def images_for(model, number=2):
    return torch.randn(number, 3, *model.visual.image_size)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert ours.abs().max() > 0.1


def test_unprompted_is_open_clip(family):
    _, model, tiny = family
    backbone = PromptedCLIPViT(**tiny)
    images = images_for(model)
    with torch.no_grad():
        ((feature, patches),) = backbone(images, prompted=False)
    close(feature, model.encode_image(images))
    assert patches.shape == (
        2,
        math.prod(backbone.tower.grid),
        feature.shape[1],
    )
    (only,) = PromptedCLIPViT(**tiny, num_prompts=0, out_type='cls_token')(
        images
    )
    close(only, feature)


def test_prompted_is_insert_and_drop(family, monkeypatch):
    _, model, tiny = family
    backbone = PromptedCLIPViT(**tiny, num_prompts=3)
    torch.nn.init.normal_(backbone.prompts)
    images = images_for(model)
    weights = torch.randn(2, backbone.tower.embed_dim)
    literal = load_clip(**tiny)
    insert_and_drop(image_tower(literal), backbone.prompts)
    results = []
    for feature in (backbone(images)[0][0], literal.encode_image(images)):
        (grad,) = torch.autograd.grad(
            (feature * weights).sum(), backbone.prompts
        )
        results.append((feature, grad))
    (feature, grad), (literal_feature, literal_grad) = results
    close(feature, literal_feature)
    scale = literal_grad.abs().max()  # small where prompts are small keys
    close(grad / scale, literal_grad / scale)
    with torch.no_grad():
        plain = model.encode_image(images)
    assert (results[0][0] - plain).abs().max() > 0.01


def test_a_hooked_block_is_called_and_the_same(family):
    _, model, tiny = family
    backbone = PromptedCLIPViT(**tiny, num_prompts=3)
    torch.nn.init.normal_(backbone.prompts)
    images = images_for(model)
    with torch.no_grad():
        ((before, patches),) = backbone(images)
        ran = []
        for block in backbone.tower.blocks:
            block.register_forward_hook(lambda *args: ran.append(1))
        ((after, patches_after),) = backbone(images)
    assert len(ran) == 2
    close(after, before)
    close(patches_after, patches)


def test_a_patch_passes_what_the_global_feature_passes(family):
    """As if it were all that is pooled."""
    name, model, tiny = family
    backbone = PromptedCLIPViT(**tiny, num_prompts=0)
    tower = backbone.tower
    images = images_for(model)
    with torch.no_grad():
        tokens = tower.embed(images)
        for block in tower.blocks:
            rope = {} if tower.rope is None else dict(rope=tower.rope)
            tokens = block(tokens, **rope)
        ((_, patches),) = backbone(images)
        alone = tokens[:, tower.prefix + 2][:, None]
        visual = model.visual
        if name in TIMM and visual.trunk.attn_pool is not None:
            x = visual.trunk.attn_pool(visual.trunk.norm(alone))
            expected = visual.head(visual.trunk.head(x))
        elif name in TIMM:
            trunk = visual.trunk
            x = trunk.fc_norm(trunk.norm(alone[:, 0]))
            expected = visual.head(trunk.head(x))
        else:
            expected = visual.ln_post(alone[:, 0]) @ visual.proj
    close(patches[:, 2], expected)


def test_pooled_patches_are_where_the_global_feature_is(family):
    """Norm and projection alone would leave them elsewhere."""
    name, model, tiny = family
    visual = model.visual
    if name not in TIMM or visual.trunk.attn_pool is None:
        pytest.skip('no attention pooling')
    tower = PromptedCLIPViT(**tiny, num_prompts=0).tower
    trunk = visual.trunk
    tokens = torch.randn(8, tower.prefix + math.prod(tower.grid), tower.width)
    feature, patches = tower.features(tokens)
    plain = visual.head(trunk.head(trunk.fc_norm(trunk.norm(tokens))))
    shares = tower.shares(tokens)[:, tower.prefix :, None]
    cosines = [
        torch.cosine_similarity(feature, (shares * found).sum(1)).mean()
        for found in (patches, plain[:, tower.prefix :])
    ]
    assert cosines[0] > 0.7 > 0.4 > cosines[1]


def test_texts_are_open_clips(family):
    _, model, tiny = family
    tower = text_tower(load_clip(**tiny))
    tokens, lengths = load_tokenizer(tiny['arch'])(TEXTS)
    length = tower.context_length
    assert tokens.shape == (3, 11 if tower.causal else length)
    expected = model.encode_text(open_clip.tokenize(TEXTS, length))
    close(tower.encode_tokens(tokens, lengths), expected)


def test_soft_prompts_are_texts_with_other_embeddings(family):
    """Context vectors that are embeddings of words give the words' text."""
    _, model, tiny = family
    text = PromptedCLIPText(
        **tiny, classes=['fear', 'surprise'], num_context=3, granularity=2
    )
    words = text.tokenizer.encode('the face of')
    with torch.no_grad():
        text.context.copy_(text.tower.token_embedding(torch.tensor(words)))
    texts = ['the face of fear.', 'the face of surprise.']
    tokens = open_clip.tokenize(texts, text.tower.context_length)
    close(text(), model.encode_text(tokens))


def test_training_step_and_round_trip(family):
    _, model, tiny = family
    classes = ['fear', 'anger', 'surprise']
    options = dict(
        backbone=dict(num_prompts=2),
        text=dict(num_context=2, granularity=2),
        head=dict(top_k=4, loss_proto=None),
    )
    trained = build_model(classes, **tiny, **options).train()
    images = images_for(model, 6)
    samples = [DataSample().set_gt_label(i % 3) for i in range(6)]
    optimizer = torch.optim.SGD(trained.parameters(), lr=1e-3)
    losses = trained(images, samples, mode='loss')
    sum(losses.values()).backward()
    learnt = {n: p for n, p in trained.named_parameters() if p.requires_grad}
    assert set(learnt) == {'backbone.prompts', 'head.text.context'}
    for parameter in learnt.values():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0
    before = trained.backbone.prompts.detach().clone()
    optimizer.step()
    assert not torch.equal(trained.backbone.prompts, before)

    saved = trained.state_dict()
    assert set(saved) == set(learnt)
    again = build_model(classes, **tiny, **options)
    again.load_state_dict(saved)
    assert again.backbone.fingerprint == trained.backbone.fingerprint
    assert again.head.text.fingerprint == trained.head.text.fingerprint
    with torch.no_grad():
        close(again.eval()(images), trained.eval()(images))


@pytest.mark.slow
def test_a_config_trains_it_and_its_checkpoint_is_used(family, build_runner):
    """By the environment alone: prototypes, an epoch, file, inference."""
    _, model, tiny = family
    runner = build_runner(
        environment=dict(
            MPAFER_ARCH=tiny['arch'], MPAFER_CLIP=tiny['pretrained']
        ),
        **{'model.head.text.granularity': 2, 'model.head.top_k': 4},
    )
    runner.train()
    (file,) = Path(runner.work_dir).glob('best_*.pth')
    assert file.stat().st_size < 1e6
    loaded = load_model(str(file), dtype='float32').model.eval()
    images = images_for(model)
    with torch.no_grad():
        close(loaded(images), runner.model.eval()(images))


def test_explanation(family):
    _, model, tiny = family
    built = build_model(
        ['fear', 'anger'],
        **tiny,
        text=dict(granularity=2, num_context=2),
        head=dict(top_k=2, loss_proto=None),
    ).eval()
    images = images_for(model)
    found = explain(built, images)
    with torch.no_grad():
        close(found.probs, built(images).softmax(1))
    total = found.rollout.sum((1, 2)) + found.class_share + found.prompt_share
    torch.testing.assert_close(total, torch.ones(2))
    assert found.prompt_share.min() > 0
    if not built.backbone.tower.prefix:
        assert not found.class_share.any()


def test_half_precision(family):
    _, model, tiny = family
    backbone = PromptedCLIPViT(**tiny, num_prompts=2)
    images = images_for(model)
    with torch.no_grad():
        ((full, _),) = backbone(images)
        backbone.tower.cast(torch.bfloat16)
        ((half, _),) = backbone(images)
    assert half.dtype == torch.bfloat16
    cosine = torch.cosine_similarity(full, half.float())
    assert cosine.min() > 0.99
    if backbone.tower.rope is not None:
        assert backbone.tower.rope.dtype == torch.float32


def test_blocks_compile_without_a_break(family):
    name, _, tiny = family
    if name not in ('SigLIP', 'EVA-01', 'EVA-02', 'EVA-02 E', 'PE'):
        pytest.skip('blocks are those of another family')
    tower = PromptedCLIPViT(**tiny, num_prompts=0).tower
    compiled = torch.compile(prompted_block, backend='eager', fullgraph=True)
    x = torch.randn(2, tower.prefix + 16, 16)
    prompts = torch.randn(3, 16, requires_grad=True)
    results = []
    for function in (prompted_block, compiled):
        out = function(tower.blocks[1], x, prompts, rope=tower.rope)
        results.append(out)
    close(*results)


@pytest.mark.parametrize('size', [(64, 64), (64, 128)])
def test_another_image_size(family, size):
    """As a model of open_clip made for it, if it can be."""
    name, model, tiny = family
    images = torch.randn(2, 3, *size)
    backbone = PromptedCLIPViT(**tiny, num_prompts=0, image_size=size)
    ((feature, patches),) = backbone(images)
    assert patches.shape[1] == math.prod(backbone.tower.grid)
    if name in TIMM:
        other = load_clip(**tiny)
        other.visual.set_input_size(size)
        close(feature, other.encode_image(images))
    if size != tuple(model.visual.image_size):
        plain = PromptedCLIPViT(**tiny, num_prompts=0)
        assert backbone.fingerprint != plain.fingerprint
