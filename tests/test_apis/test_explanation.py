import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from mpafer_plugin.apis import FERInferencer, build_model, explain
from mpafer_plugin.apis.explanation import Explanation, attention_weights


@pytest.fixture
def model(tiny):
    model = build_model(
        ['yes', 'no', 'perhaps'],
        **tiny,
        text=dict(hard_prompts=['a', 'b', 'c']),
        head=dict(top_k=3),
    )
    with torch.no_grad():
        model.backbone.prompts.normal_()
    return model.eval()


@pytest.fixture
def images():
    return torch.randn(5, 3, 32, 32)


@pytest.mark.parametrize('number', [0, 4])
@torch.no_grad()
def test_weights_are_those_of_torchs_attention(model, number):
    """Over tokens and prompts together, as the paper writes it."""
    block = model.backbone.tower.blocks[1]
    x, prompts = torch.randn(2, 17, 16), torch.randn(number, 16)
    full = block.ln_1(torch.cat([x, prompts.expand(2, -1, -1)], dim=1))
    _, expected = block.attn(
        full, full, full, need_weights=True, average_attn_weights=False
    )
    found = attention_weights(block, x, prompts if number else None)
    torch.testing.assert_close(found, expected[:, :, :17])


@pytest.mark.parametrize('label', [0, 2])
@torch.no_grad()
def test_predictions_and_local_score_are_the_models(
    model, images, monkeypatch, label
):
    vectors = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    if not label:
        vectors = vectors.flip(0)
    monkeypatch.setattr(model.head, 'class_vectors', lambda: vectors)
    found = explain(model, images)
    logits = model(images)
    torch.testing.assert_close(found.probs, logits.softmax(1))
    assert torch.equal(found.labels, logits.argmax(1))
    assert label in found.labels
    ((feature, _),) = model.backbone(images)
    classes = F.normalize(model.head.class_vectors(), dim=-1)
    both = (F.normalize(feature, dim=-1) @ classes.T)[
        range(5), found.labels
    ] + torch.stack(
        [
            cosines[chosen].mean()
            for cosines, chosen in zip(
                found.similarity, found.chosen, strict=True
            )
        ]
    )
    scale = model.head.log_scale.exp()
    torch.testing.assert_close(scale * both, logits.max(1).values)
    assert found.chosen.flatten(1).sum(1).tolist() == [3] * 5
    assert found.chosen.shape == (5, 4, 4)


@torch.no_grad()
def test_rollout_by_its_definition(model, images):
    """With whole matrices, prompts as nodes that lead nowhere."""
    found = explain(model, images)
    torch.testing.assert_close(
        found.rollout.flatten(1).sum(1)
        + found.class_share
        + found.prompt_share,
        torch.ones(5),
    )
    assert (found.prompt_share > 0.05).all()

    x = model.backbone.tower.embed(images)
    total = torch.eye(17)
    layers = zip(
        model.backbone.tower.blocks, model.backbone.prompts, strict=True
    )
    for block, prompts in layers:
        weights = attention_weights(block, x, prompts).mean(1)
        total = (weights[..., :17] + torch.eye(17)) / 2 @ total
        tokens = torch.cat([x, prompts.expand(5, -1, -1)], dim=1)
        x = block(tokens)[:, :17]
    torch.testing.assert_close(found.rollout.flatten(1), total[:, 0, 1:])
    torch.testing.assert_close(found.class_share, total[:, 0, 0])


def test_without_prompts_and_local_score(tiny, images):
    """Nothing goes to the one, and no patch counts for the other."""
    model = build_model(
        ['yes', 'no'],
        **tiny,
        backbone=dict(num_prompts=0),
        text=dict(hard_prompts=['a', 'b']),
        head=dict(local_weight=0, top_k=50),
    ).eval()
    found = explain(model, images)
    torch.testing.assert_close(
        found.prompt_share, torch.zeros(5), atol=1e-6, rtol=0
    )
    assert not found.chosen.any()


def test_other_models_are_refused():
    with pytest.raises(ValueError, match='not NoneType with NoneType'):
        explain(torch.nn.Identity(), torch.zeros(1, 3, 32, 32))


def test_through_the_inferencer(face_tiny, yunet_file, canvas):
    inferencer = FERInferencer(face_tiny, face_model=yunet_file)
    (faces,) = inferencer(canvas[0])
    explained = inferencer.explain(canvas[0])
    assert len(explained) == 6
    for face, found in zip(faces, explained, strict=True):
        assert found.face['bbox'] == face['bbox']
        assert found.explanation.labels.tolist() == [face['pred_label']]
        nose = found.matrix @ [*face['landmarks'][2], 1]
        assert (abs(nose / found.size - 0.5) < 0.2).all()
        score = found.explanation.probs.max().item()
        assert score == found.face['pred_score']
        np.testing.assert_allclose(
            found.face['pred_scores'], face['pred_scores'], atol=1e-5
        )


def test_faces_are_explained_together(
    face_tiny, yunet_file, canvas, monkeypatch
):
    """Each goes through the tower once, and has a batch size of its own."""
    inferencer = FERInferencer(face_tiny, face_model=yunet_file, batch_size=4)
    tower = face_tiny.backbone.tower
    embed, sizes = tower.embed, []

    def count(images):
        sizes.append(len(images))
        return embed(images)

    monkeypatch.setattr(tower, 'embed', count)
    explained = inferencer.explain(canvas[0])
    assert sizes == [4, 2]
    inferencer.batch_size = 1
    for one, other in zip(
        inferencer.explain(canvas[0]), explained, strict=True
    ):
        for name, value in vars(one.explanation).items():
            assert len(value) == 1
            torch.testing.assert_close(getattr(other.explanation, name), value)


def test_what_can_not_be_explained_is_known_at_once(
    face_tiny, save, load_config
):
    FERInferencer(face_tiny, face='none').check_explainable()
    cfg = load_config('mpafer_quickstart.py')
    step = dict(type='CenterCrop', crop_size=64)
    cfg.test_dataloader.dataset.pipeline.insert(2, step)
    inferencer = FERInferencer(cfg, save(face_tiny), face='none')
    with pytest.raises(ValueError, match='does more than resize'):
        inferencer.check_explainable()
    inferencer = FERInferencer(face_tiny, face='none')
    inferencer.model = torch.nn.Identity()
    with pytest.raises(ValueError, match='can be explained, not NoneType'):
        inferencer.check_explainable()


def test_a_face_that_is_kept_keeps_nothing_on_the_gpu(face_tiny, monkeypatch):
    with FakeTensorMode():  # no GPU is needed
        batch = [torch.empty(3, 2, device='cuda') for _ in range(7)]
    monkeypatch.setattr(
        'mpafer_plugin.apis.fer_inferencer.explain',
        lambda *args: Explanation(*batch),
    )
    inferencer = FERInferencer(face_tiny, face='none')
    image = inferencer.prepare.pack(np.zeros((9, 9, 3), np.uint8))
    for face in inferencer._explain([image] * 3):
        assert {x.device.type for x in vars(face).values()} == {'cpu'}
