import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from mpafer_plugin.apis import build_model, class_prototypes

CLASSES = [
    'surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral'
]  # fmt: skip


def losses(model, images, labels):
    samples = [DataSample().set_gt_label(label) for label in labels]
    return model(images, samples, mode='loss')


def test_is_the_model_of_the_config(tiny, load_config):
    cfg = load_config('mpafer_rafdb.py')
    classes = cfg.model.head.text.classes
    models = []
    for make in (
        lambda: MODELS.build(cfg.model),
        lambda: build_model(classes, **tiny),
    ):
        torch.manual_seed(0)
        model = make()
        model.head.set_prototypes(torch.randn(7, 12))
        models.append(model)
    ours, theirs = models
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert str(ours) == str(theirs)
    images, labels = torch.randn(4, 3, 32, 32), torch.arange(4)
    expected = losses(theirs, images, labels)
    for name, value in losses(ours, images, labels).items():
        torch.testing.assert_close(value, expected[name])
    for name in ('mean', 'std'):
        torch.testing.assert_close(
            getattr(ours.data_preprocessor, name),
            getattr(theirs.data_preprocessor, name),
        )


def test_parts_take_arguments(tiny):
    model = build_model(
        ['yes', 'no'],
        **tiny,
        backbone=dict(num_prompts=3),
        text=dict(num_context=4, hard_prompts=['a nod', 'a shake']),
        head=dict(loss_proto=None, top_k=2),
    )
    learnt = {
        name: tuple(p.shape)
        for name, p in model.named_parameters()
        if p.requires_grad
    }
    assert learnt == {
        'backbone.prompts': (2, 3, 16),
        'head.text.context': (4, 16),
    }
    assert model(torch.randn(5, 3, 32, 32)).shape == (5, 2)


def test_it_learns_in_a_plain_loop(tiny):
    model = build_model(CLASSES, **tiny)
    images, labels = torch.randn(14, 3, 32, 32), torch.arange(14) % 7
    prototypes = class_prototypes(model.backbone, [(images, labels)], 7)
    model.head.set_prototypes(prototypes)
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learnt, lr=0.05)
    history = []
    for _ in range(30):
        loss = sum(losses(model.train(), images, labels).values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.8 * history[0]
