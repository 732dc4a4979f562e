import numpy as np
import pytest
import torch

from mpafer_plugin.apis import build_model, explain
from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.report.predictions import Sample, predict


@pytest.fixture
def loaded(tiny):
    model = build_model(**tiny, head=dict(top_k=3))
    torch.nn.init.normal_(model.backbone.prompts)
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    return load_model(model, device='cpu')


@pytest.fixture
def batches():
    images = torch.randint(256, (8, 3, 32, 32), dtype=torch.uint8)
    return [dict(inputs=list(images[:5])), dict(inputs=list(images[5:]))]


def test_one_pass(loaded, batches):
    (found,), mean = predict([loaded], batches, 8, Sample([6, 2, 1], 1))
    images = torch.stack([x for batch in batches for x in batch['inputs']])
    data = loaded.model.data_preprocessor(dict(inputs=images))['inputs']
    with torch.no_grad():
        logits = loaded.model(data).numpy()
        (feature, _), *_ = loaded.model.backbone(data)
        (plain, _), *_ = loaded.model.backbone(data, prompted=False)
    np.testing.assert_allclose(found.logits, logits, rtol=1e-5, atol=1e-5)
    expected = explain(loaded.model, data).chosen.numpy()
    np.testing.assert_array_equal(found.patches(np.arange(8)), expected)
    for features, kept in (
        (feature, found.features),
        (plain, found.unprompted),
    ):
        rows = torch.nn.functional.normalize(features[[6, 2, 1]], dim=1)
        np.testing.assert_allclose(kept, rows, atol=1e-5)
    assert found.attention.shape == (2,)  # layers
    assert (found.attention > 0).all() and (found.attention < 1).all()
    rgb = images.double().mean(0).permute(1, 2, 0).numpy()[..., ::-1]
    np.testing.assert_array_equal(mean, rgb.astype(np.uint8))


def test_without_local_score_and_prompts(tiny, batches):
    model = build_model(
        **tiny, backbone=dict(num_prompts=0), head=dict(local_weight=0.0)
    )
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    loaded = load_model(model, device='cpu')
    (found,), _ = predict([loaded], batches, 8, Sample([0]))
    assert found.deciding is found.unprompted is found.attention is None
    assert found.features.shape == (1, 12)


def test_scores_that_are_not_finite(loaded, batches):
    torch.nn.init.constant_(loaded.model.backbone.prompts, float('nan'))
    with pytest.raises(ValueError, match='0 to 4'):
        predict([loaded], batches, 8)
