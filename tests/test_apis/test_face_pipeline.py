import copy
import pickle
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.structures import DataSample

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.model_inputs import collate_faces
from mpafer_plugin.faces import Face


def scores(results):
    return [face['pred_scores'] for faces in results for face in faces]


def test_copies(finder, canvas):
    """By copy and by pickle; each has a detector of its own."""
    expected = scores(finder(canvas[0]))
    assert len(expected) == 6
    for copied in (
        copy.deepcopy(finder),
        pickle.loads(pickle.dumps(finder)),
    ):
        np.testing.assert_array_equal(scores(copied(canvas[0])), expected)
        (detector,), (own,) = copied.prepare._idle, finder.prepare._idle
        assert detector is not own
        assert detector.digest == own.digest
        assert detector.score_threshold == own.score_threshold


@pytest.mark.slow
def test_in_a_spawned_process(finder, canvas, tmp_path):
    """It unpickles before it imports anything of ours."""
    with open(tmp_path / 'finder.pkl', 'wb') as file:
        pickle.dump((finder, canvas[0]), file)
    code = (
        'import pickle\n'
        'finder, image = pickle.load(open("finder.pkl", "rb"))\n'
        'print([face["pred_class"] for face in finder(image)[0]])'
    )
    result = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    classes = [face['pred_class'] for face in finder(canvas[0])[0]]
    assert result.stdout.splitlines()[-1:] == [str(classes)], result.stderr


def test_given_landmarks_align(finder, canvas):
    """As those of the detector do, in a turned image too."""
    image, _ = canvas
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1)
    image = cv2.warpAffine(image, turn, (width, height))
    (expected,) = finder(image)
    assert len(expected) >= 3
    faces = [Face(face['bbox'], 1, face['landmarks']) for face in expected]
    boxes = [face.bbox for face in faces]
    aligned, upright = finder([image] * 2, boxes=[faces, boxes])
    np.testing.assert_allclose(
        scores([aligned]), scores([expected]), atol=1e-5
    )
    assert (
        np.abs(np.subtract(scores([upright]), scores([aligned]))).max() > 0.01
    )
    assert [face['landmarks'] for face in aligned] == [
        face['landmarks'] for face in expected
    ]
    assert aligned[0]['face_score'] is upright[0]['landmarks'] is None


def test_wrong_channel_order(face_tiny):
    with pytest.raises(ValueError, match="channel_order='gbr' is not one of"):
        FERInferencer(face_tiny, face='none', channel_order='gbr')


@pytest.mark.parametrize('device', ['cpu', 'cuda'])
def test_faces_are_copied_together(device, monkeypatch):
    pinned = []
    monkeypatch.setattr(
        torch.Tensor, 'pin_memory', lambda x: pinned.append(x) or x
    )
    preprocessor = ClsDataPreprocessor()
    preprocessor._device = torch.device(device)
    faces = [
        dict(inputs=torch.full((3, 4, 4), i), data_samples=DataSample())
        for i in range(5)
    ]
    model = SimpleNamespace(data_preprocessor=preprocessor)
    batch = collate_faces(faces, model)
    assert batch['inputs'][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert len(batch['data_samples']) == 5
    assert len(pinned) == (device == 'cuda')
    assert preprocessor._non_blocking == (device == 'cuda')
