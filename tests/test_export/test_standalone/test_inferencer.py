import numpy as np
import pytest

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.export.standalone.inferencer import StandaloneInferencer
from mpafer_plugin.faces import FaceCrop, ImageError


@pytest.fixture
def standalone(exported, yunet_file):
    return StandaloneInferencer(
        exported / 'model.onnx', face_model=yunet_file, face_crop=FaceCrop()
    )


def test_an_image_in_memory(standalone, face_tiny, yunet_file, canvas):
    inferencer = FERInferencer(face_tiny, face_model=yunet_file)
    (expected,) = inferencer(canvas[0])
    found = standalone(canvas[0])
    assert len(found) == len(expected) == 6
    for face, same in zip(found, expected, strict=True):
        assert face['bbox'] == same['bbox']
        np.testing.assert_allclose(
            face['pred_scores'], same['pred_scores'], atol=1e-4
        )


def test_given_crops(exported, face_tiny):
    image = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    path = exported / 'model.onnx'
    (found,) = StandaloneInferencer(path, face='none')(image)
    ((expected,),) = FERInferencer(face_tiny, face='none')(image)
    assert found['bbox'] == expected['bbox'] == [0, 0, 40, 50]
    np.testing.assert_allclose(
        found['pred_scores'], expected['pred_scores'], atol=1e-4
    )


def test_errors_of_images(standalone, tmp_path):
    with pytest.raises(ImageError, match=r'absent\.png'):
        standalone(tmp_path / 'absent.png')
    with pytest.raises(ValueError, match=r'\(4, 4\) of uint8'):
        standalone(np.zeros((4, 4), np.uint8))
    (found,) = standalone.stream([('a', ImageError('not listed'))])
    assert (found.path, str(found.error)) == ('a', 'not listed')


def test_scores_that_are_not_finite(standalone, monkeypatch):
    values = dict(probabilities=np.full((1, 7), np.nan))
    monkeypatch.setattr(standalone, '_session', lambda images: values)
    with pytest.raises(ValueError, match='not finite'):
        standalone.forward([np.zeros((3, 64, 64), np.uint8)])
