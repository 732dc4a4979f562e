import copy
import pickle

import numpy as np
import pytest
import torch

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.clip import precision
from mpafer_plugin.clip.precision import faster_dtype


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_towers_are_cast_once(face_tiny, save, whole, images, dtype):
    half = FERInferencer(save(face_tiny), face='none', dtype=dtype)
    model = half.model
    for tower in (model.backbone.tower, model.head.text.tower):
        assert tower.dtype == getattr(torch, dtype)
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == torch.float32, name
    expected = whole(images)
    for other in (half, copy.deepcopy(half), pickle.loads(pickle.dumps(half))):
        for (face,), (full,) in zip(other(images), expected, strict=True):
            np.testing.assert_allclose(
                face['pred_scores'], full['pred_scores'], atol=0.05
            )
    (explained,) = half.explain(images[0])
    for name, value in vars(explained.explanation).items():
        if value.is_floating_point():
            assert value.dtype == torch.float32, name
    np.testing.assert_allclose(
        explained.face['pred_scores'], half(images[0])[0][0]['pred_scores']
    )


@pytest.mark.parametrize('share, dtype', [(0.5, 'bfloat16'), (1, 'float32')])
def test_the_faster_dtype(face_tiny, save, monkeypatch, share, dtype):
    faster_dtype.cache_clear()
    monkeypatch.setattr(precision, 'TINY', 1000)
    monkeypatch.setattr(precision, 'time_blocks', lambda *args: (1, share))
    loaded = FERInferencer(save(face_tiny), face='none')
    assert loaded.model.backbone.tower.dtype == getattr(torch, dtype)
    # A model that is given belongs to the caller.
    FERInferencer(face_tiny, face='none')
    assert face_tiny.backbone.tower.dtype == torch.float32
    faster_dtype.cache_clear()


def test_wrong_dtype(face_tiny, save):
    with pytest.raises(ValueError, match="dtype='half' is not one of"):
        FERInferencer(save(face_tiny), face='none', dtype='half')
