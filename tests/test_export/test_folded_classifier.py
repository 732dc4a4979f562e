import copy

import pytest
import torch
from mmpretrain.registry import MODELS

from mpafer_plugin.apis import build_model
from mpafer_plugin.export.folded_classifier import FoldedClassifier

LINEAR = dict(
    type='LinearClsHead',
    num_classes=7,
    in_channels=12,
    loss=dict(type='CrossEntropyLoss'),
)


def build(tiny, **parts):
    """Model on the tiny tower, whose trainable values are not small."""
    parts.setdefault('head', {}).setdefault('top_k', 4)
    model = build_model(**tiny, **parts)
    if hasattr(model.head, 'prototypes'):
        model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    return model.eval()


def linear(tiny, num_prompts, frozen=True):
    preprocessor = build(tiny).data_preprocessor
    backbone = dict(num_prompts=num_prompts, out_type='cls_token')
    backbone |= dict(type='PromptedCLIPViT', frozen=frozen, **tiny)
    model = MODELS.build(
        dict(type='ImageClassifier', backbone=backbone, head=LINEAR)
    )
    model.data_preprocessor = preprocessor
    return model.eval()


def hosts(tiny):
    preprocessor = build(tiny).data_preprocessor
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(type='ResNet', depth=18),
            neck=dict(type='GlobalAveragePooling'),
            head=LINEAR | dict(in_channels=512),
        )
    )
    model.data_preprocessor = preprocessor
    return model.eval()


def zero_shot(tiny):
    text = dict(type='HardPromptCLIPText', classes=['sad', 'happy'], **tiny)
    model = build(tiny, head=dict(loss_proto=None), backbone=dict(
        num_prompts=0))  # fmt: skip
    model.head.text = MODELS.build(text)
    return model.eval()


MODEL = {
    'paper': build,
    'plus': lambda tiny: build(tiny, head=dict(proto_weight=0.7)),
    'first layer': lambda tiny: build(tiny, backbone=dict(prompt_depth=1)),
    'plain tower': lambda tiny: build(tiny, backbone=dict(num_prompts=0)),
    'learnable scale': lambda tiny: build(
        tiny, head=dict(logit_scale='learnable', local_weight=0.3)
    ),
    'CoOp': lambda tiny: build(
        tiny, head=dict(local_weight=0), backbone=dict(num_prompts=0)
    ),
    'zero-shot': zero_shot,
    'linear probe': lambda tiny: linear(tiny, 0),
    'VPT': lambda tiny: linear(tiny, 8),
    'full fine-tuning': lambda tiny: linear(tiny, 0, frozen=False),
    'ResNet': hosts,
}


def expected(model, image):
    """Logits of the classifier, whose images are BGR as from a file."""
    data = model.data_preprocessor(dict(inputs=image.flip(1)))
    return model(data['inputs'])


@torch.no_grad()
@pytest.mark.parametrize('name', MODEL)
def test_logits_are_those_of_the_classifier(name, tiny):
    model = MODEL[name](tiny)
    image = torch.randint(0, 256, (3, 3, 32, 32)).float()
    logits, probs = FoldedClassifier(model)(image)
    want = expected(model, image)
    torch.testing.assert_close(logits, want, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(probs, want.softmax(-1), rtol=1e-4, atol=1e-4)
    assert logits.std() > 0.01


@torch.no_grad()
@pytest.mark.parametrize('name', ['paper', 'CoOp'])
def test_patches_are_cosines_with_the_classes(name, tiny):
    model = MODEL[name](tiny)
    image = torch.randint(0, 256, (2, 3, 32, 32)).float()
    *_, patches = FoldedClassifier(model, patches=True)(image)
    data = model.data_preprocessor(dict(inputs=image.flip(1)))
    ((_, features),) = model.backbone(data['inputs'])
    classes = model.head.class_vectors()
    want = torch.cosine_similarity(features[:, :, None], classes, dim=-1)
    torch.testing.assert_close(patches, want)


@torch.no_grad()
def test_a_model_of_bgr_images(tiny):
    model = build(tiny)
    model.data_preprocessor.to_rgb = False
    image = torch.randint(0, 256, (2, 3, 32, 32)).float()
    logits, _ = FoldedClassifier(model)(image)
    torch.testing.assert_close(
        logits, expected(model, image), rtol=1e-4, atol=1e-4
    )


@torch.no_grad()
def test_float16_leaves_the_classifier_as_it_is(tiny):
    model = build(tiny)
    before = copy.deepcopy(model.backbone.tower.state_dict())
    folded = FoldedClassifier(model)
    image = torch.randint(0, 256, (2, 3, 32, 32)).float()
    want = folded(image)[1]
    half = folded.in_float16()
    assert half.backbone.blocks[0].in_proj.weight.dtype == torch.float16
    assert half.head.keys.dtype == torch.float32
    probs = half(image)[1]
    assert 0 < (probs - want).abs().max() < 0.02
    assert model.backbone.tower.dtype == torch.float32
    assert before.keys() == model.backbone.tower.state_dict().keys()


def test_there_is_no_text_tower(tiny):
    names = [x for x, _ in FoldedClassifier(build(tiny)).named_parameters()]
    assert not [x for x in names if 'text' in x or 'token' in x]


def test_models_that_cannot_be_exported(tiny):
    with pytest.raises(ValueError, match='LinearClsHead'):
        FoldedClassifier(linear(tiny, 0), patches=True)
    with pytest.raises(ValueError, match='not Identity'):
        FoldedClassifier(torch.nn.Identity())
    with pytest.raises(ValueError, match=r"'float16'.*ResNet"):
        FoldedClassifier(hosts(tiny)).in_float16()
    model = build(tiny)
    model.backbone.tower.blocks[1].register_forward_hook(print)
    with pytest.raises(ValueError, match=r'ResidualAttentionBlock.*hooks'):
        FoldedClassifier(model)
    model = build(tiny)
    blocks = model.backbone.tower.blocks
    blocks[1] = torch.nn.Sequential(blocks[1])
    with pytest.raises(ValueError, match='Sequential'):
        FoldedClassifier(model)
    model = build(tiny)
    model.data_preprocessor.pad_size_divisor = 7
    with pytest.raises(ValueError, match='padding'):
        FoldedClassifier(model)


def test_prototypes_that_were_not_set(tiny):
    model = build(tiny, head=dict(proto_weight=1.0))
    model.head.prototypes.fill_(float('nan'))
    model.head._prototypes_seen = False
    with pytest.raises(RuntimeError, match='prototypes are not set'):
        FoldedClassifier(model)


@torch.no_grad()
@pytest.mark.parametrize('name', ['paper', 'plus'])
def test_torch_exports_the_classifier_itself(name, tiny):
    model = MODEL[name](tiny)
    images = torch.randn(5, 3, 32, 32)
    shapes = dict(inputs={0: torch.export.Dim('batch', max=2**31)})
    program = torch.export.export(
        model, (images[:2],), dynamic_shapes=shapes
    ).module()
    for count in (1, 2, 5):
        want = model(images[:count])
        torch.testing.assert_close(program(images[:count]), want)
