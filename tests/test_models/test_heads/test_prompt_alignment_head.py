import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

CLASSES = ['happiness', 'fear', 'neutral']


@pytest.fixture
def build(tiny):
    def build(**kwargs):
        text = dict(type='PromptedCLIPText', **tiny, classes=CLASSES)
        cfg = dict(type='PromptAlignmentHead', text=text, top_k=4)
        head = MODELS.build(cfg | kwargs)
        if head.loss_proto is not None:
            head.set_prototypes(torch.randn(3, 12))
        return head

    return build


@pytest.fixture
def feats():
    return ((torch.randn(5, 12), torch.randn(5, 16, 12)),)


def samples(labels=(0, 1, 2, 0, 1)):
    return [DataSample().set_gt_label(label) for label in labels]


def test_scores_by_loops(build, feats):
    head = build(local_weight=0.5)
    logits = head(feats)
    (features, patches), texts = feats[0], head.text()
    for b in range(5):
        for c in range(3):
            cosines = [
                F.cosine_similarity(patch, texts[c], dim=0).item()
                for patch in patches[b]
            ]
            local = sum(sorted(cosines)[-4:]) / 4
            glob = F.cosine_similarity(features[b], texts[c], dim=0).item()
            expected = 2.718281828**2 * (glob + 0.5 * local)
            assert logits[b, c].item() == pytest.approx(expected, rel=1e-4)


def test_prototypes_score_too(build, feats):
    head = build(proto_weight=0.5, logit_scale=1.0)
    torch.nn.init.normal_(head.proto_offsets)
    keys = F.normalize(head.prototypes, dim=-1) + head.proto_offsets
    without = build(logit_scale=1.0)
    without.text.load_state_dict(head.text.state_dict(), strict=False)
    for b in range(5):
        for c in range(3):
            cosine = F.cosine_similarity(feats[0][0][b], keys[c], dim=0)
            difference = head(feats)[b, c] - without(feats)[b, c]
            torch.testing.assert_close(difference, 0.5 * cosine)
    head.loss(feats, samples())['loss_cls'].backward()
    assert head.proto_offsets.grad.abs().sum() > 0
    assert without.proto_offsets is None
    head.prototypes.fill_(float('nan'))
    head._prototypes_seen = False
    with pytest.raises(RuntimeError, match='the prototypes are not set'):
        head.predict(feats)
    with pytest.raises(ValueError, match=r'proto_weight=0.5 needs prototypes'):
        build(proto_weight=0.5, loss_proto=None)


def test_all_patches_is_the_mean(build, feats):
    head = build(top_k=16, logit_scale=1.0)
    texts = F.normalize(head.text(), dim=-1)
    patches = F.normalize(feats[0][1], dim=-1)
    glob = F.normalize(feats[0][0], dim=-1) @ texts.T
    expected = glob + (patches @ texts.T).mean(1)
    torch.testing.assert_close(head(feats), expected)


def test_top_k_beyond_the_patches_is_an_error(build, feats):
    with pytest.raises(ValueError, match='top_k=17 exceeds the 16 patches'):
        build(top_k=17)(feats)
    build(top_k=17, local_weight=0.0)(feats)


def test_losses_are_the_four_terms(build, feats):
    head = build()
    losses = head.loss(feats, samples())
    assert list(losses) == [
        'loss_cls',
        'loss_token',
        'loss_prompt',
        'loss_proto',
    ]
    labels = torch.tensor([0, 1, 2, 0, 1])
    torch.testing.assert_close(
        losses['loss_cls'], F.cross_entropy(head(feats), labels)
    )
    text = head.text

    def contrast(soft, hard):
        sim = F.normalize(hard, dim=-1) @ F.normalize(soft, dim=-1).T
        return F.cross_entropy(sim / 0.07, torch.arange(3))

    torch.testing.assert_close(
        losses['loss_token'], contrast(text.soft_tokens(), text.hard_tokens)
    )
    soft, hard = (F.normalize(t, dim=-1) for t in (text(), text.hard_features))
    distance = (soft - hard).abs().sum(1).mean() / soft.shape[1] ** 0.5
    torch.testing.assert_close(losses['loss_prompt'], distance)
    cosine = F.cosine_similarity(feats[0][0], head.prototypes[labels])
    torch.testing.assert_close(losses['loss_proto'], (1 - cosine).mean())


@pytest.mark.parametrize('name', ['token', 'prompt', 'proto'])
def test_each_term_goes_off(build, feats, name):
    losses = build(**{f'loss_{name}': None}).loss(feats, samples())
    assert len(losses) == 3 and f'loss_{name}' not in losses


def test_soft_targets_reach_every_loss(build, feats):
    head = build()
    soft = [
        DataSample().set_gt_score(F.one_hot(torch.tensor(c), 3).float())
        for c in (0, 1, 2, 0, 1)
    ]
    hard = head.loss(feats, samples())
    for name, value in head.loss(feats, soft).items():
        torch.testing.assert_close(value, hard[name])
    for sample in soft:
        sample.gt_score = torch.full((3,), 1 / 3)
    even = head.loss(feats, soft)
    assert (even['loss_cls'] - hard['loss_cls']).abs() > 1e-3
    assert (even['loss_proto'] - hard['loss_proto']).abs() > 1e-3


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_integer_one_hot_labels_are_labels(build, feats, dtype):
    """As the data preprocessor makes them of ``to_onehot``, unmixed."""
    head = build().to(dtype)
    feats = (tuple(feat.to(dtype) for feat in feats[0]),)
    one_hot = [
        sample.set_gt_score(F.one_hot(sample.gt_label[0], 3))
        for sample in samples()
    ]
    assert head.num_classes == 3
    expected = head.loss(feats, samples())
    for name, value in head.loss(feats, one_hot).items():
        torch.testing.assert_close(value, expected[name])


def test_soft_targets_weigh_the_losses_of_hard_ones(build, feats):
    head = build()
    shares = torch.tensor([0.5, 0.2, 0.3])
    soft = [DataSample().set_gt_score(shares) for _ in range(5)]
    by_class = [
        head.loss(feats, [DataSample().set_gt_label(c) for _ in range(5)])
        for c in range(3)
    ]
    losses = head.loss(feats, soft)
    for name in ('loss_cls', 'loss_proto'):
        hard = torch.stack([of_class[name] for of_class in by_class])
        assert hard.std() > 1e-3
        torch.testing.assert_close(
            losses[name], (shares * hard).sum(), rtol=1e-6, atol=1e-6
        )


def test_unset_prototypes_can_not_pass_unseen(build, feats):
    head = build()
    torch.nn.init.constant_(head.prototypes, float('nan'))
    with pytest.raises(RuntimeError, match='prototypes are not set'):
        head.loss(feats, samples())
    with pytest.raises(ValueError, match=r'shape \(2, 12\)'):
        head.set_prototypes(torch.zeros(2, 12))


def count_encodings(head):
    calls = []
    head.text.register_forward_hook(lambda *args: calls.append(1))
    return calls


def test_class_vectors_are_encoded_once_in_evaluation(build, feats):
    head = build().eval()
    calls = count_encodings(head)
    with torch.no_grad():
        first = head(feats)
        torch.testing.assert_close(head(feats), first)
    assert len(calls) == 1


@pytest.mark.parametrize(
    'change',
    [
        lambda head: head.text.context.data.mul_(-3),
        lambda head: torch.nn.init.normal_(head.text.context),
        lambda head: head.load_state_dict(
            {k: v + torch.randn_like(v) for k, v in head.state_dict().items()}
        ),
    ],
)
def test_class_vectors_never_go_stale(build, feats, change):
    head = build().eval()
    with torch.no_grad():
        before = head(feats)
        change(head)
        after = head(feats)
        head.train()
        fresh = head(feats)
    assert (after - before).abs().max() > 1e-4
    torch.testing.assert_close(after, fresh)


def test_class_vectors_follow_layers_of_the_text_tower(build, feats):
    """LoRA on it may be all that learns between two evaluations."""
    head = build().eval()
    with torch.no_grad():
        before = head(feats)
        mlp = head.text.tower.transformer.resblocks[0].mlp
        mlp.c_proj.weight.normal_()
        after = head.train().eval()(feats)
    assert (after - before).abs().max() > 1e-3


def test_class_vectors_follow_the_dtype(build, feats):
    head = build().eval()
    double = (tuple(t.double() for t in feats[0]),)
    with torch.no_grad():
        head(feats)
        assert head.double()(double).dtype == torch.float64


def test_gradients_flow_in_evaluation_too(build, feats):
    head = build().eval()
    with torch.no_grad():
        head(feats)
    head(feats).sum().backward()
    assert head.text.context.grad.abs().max() > 0


def test_training_does_not_cache(build, feats):
    head = build().train()
    calls = count_encodings(head)
    head.loss(feats, samples())
    head.loss(feats, samples())
    assert len(calls) == 2


def test_logit_scale(build, feats):
    fixed = build(logit_scale=5.0)
    assert fixed.log_scale.exp().item() == pytest.approx(5.0)
    learnable = build(logit_scale='learnable')
    assert learnable.log_scale.item() == pytest.approx(2.0)
    learnable.loss(feats, samples())['loss_cls'].backward()
    assert learnable.log_scale.grad.abs() > 0
    assert 'log_scale' in learnable.state_dict()
    assert 'log_scale' not in fixed.state_dict()
    with pytest.raises(ValueError, match="logit_scale='big'"):
        build(logit_scale='big')


def test_other_backbones_tokens_are_projected(build):
    head = build(in_channels=20)
    tokens = torch.randn(2, 17, 20)
    features, patches = head.pre_logits((tokens,))
    weight = head.projection.weight
    torch.testing.assert_close(features, tokens[:, 0] @ weight.T)
    torch.testing.assert_close(patches, tokens[:, 1:] @ weight.T)
    with pytest.raises(ValueError, match=r'shape \(2, 20\)'):
        head((torch.randn(2, 20),))


def test_trainable_tensors(build):
    head = build()
    trainable = [n for n, p in head.named_parameters() if p.requires_grad]
    assert trainable == ['text.context']
    assert sorted(head.state_dict()) == ['prototypes', 'text.context']
    assert sorted(build(loss_proto=None).state_dict()) == ['text.context']


def test_predict(build, feats):
    head = build().eval()
    with torch.no_grad():
        out = head.predict(feats, samples())
        scores = head(feats).softmax(1)
    for sample, score in zip(out, scores, strict=True):
        torch.testing.assert_close(sample.pred_score, score)
        assert sample.pred_label.item() == score.argmax().item()
