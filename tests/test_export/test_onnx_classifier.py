import copy
import pickle
import sys
from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
import torch

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.cli.predict.command import main as predict
from mpafer_plugin.export.onnx_classifier import OnnxClassifier
from mpafer_plugin.export.onnx_file import save as write_onnx
from mpafer_plugin.export.session import Session


def scores(results):
    return [face['pred_scores'] for faces in results for face in faces]


def test_an_inferencer_of_the_exported_model(
    exported, face_tiny, yunet_file, canvas, tmp_path
):
    path = tmp_path / 'six.png'
    cv2.imwrite(str(path), canvas[0])
    found, expected = (
        FERInferencer(model, face_model=yunet_file)
        for model in (exported / 'model.onnx', face_tiny)
    )
    assert found.classes == expected.classes
    (faces,), (others,) = found([path]), expected([path])
    assert [x['bbox'] for x in faces] == [x['bbox'] for x in others]
    np.testing.assert_allclose(scores([faces]), scores([others]), atol=1e-4)
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        np.testing.assert_array_equal(scores(copied([path])), scores([faces]))


def test_predict_and_explain(exported, inputs, tmp_path, capsys):
    arguments = [inputs / 'images' / 'six.jpg', '--out', tmp_path / 'out']
    weights = ['--weights', exported / 'model.onnx', '--face', 'none']
    command = list(map(str, [*arguments, *weights]))
    assert predict([*command, '--explain']) == 0
    for name in ('six.png', 'six_why.png'):
        assert (tmp_path / 'out' / name).is_file()
    # A model without the output patches:
    model = onnx.load(exported / 'model.onnx')
    del model.graph.output[2]
    meta = replace(Session(exported / 'model.onnx').meta, grid=None)
    write_onnx(model, meta, tmp_path / 'model.onnx')
    command[command.index('--weights') + 1] = str(tmp_path / 'model.onnx')
    capsys.readouterr()
    assert predict([*command, '--explain']) == 2
    assert '--patches' in capsys.readouterr().err


def test_explanations(exported, face_tiny, yunet_file, canvas):
    found, expected = (
        FERInferencer(model, face_model=yunet_file).explain(canvas[0])
        for model in (exported / 'model.onnx', face_tiny)
    )
    assert len(found) == 6
    for one, other in zip(found, expected, strict=True):
        assert one.face['bbox'] == other.face['bbox']
        values, wanted = vars(one.explanation), vars(other.explanation)
        for name in ('probs', 'labels', 'similarity', 'chosen'):
            torch.testing.assert_close(
                values[name], wanted[name], atol=1e-4, rtol=0
            )
        assert values['rollout'] is None


@pytest.mark.parametrize(
    'options, value',
    [
        (dict(dtype='bfloat16'), "dtype='bfloat16'"),
        (dict(clip='openai'), "clip='openai'"),
    ],
)
def test_options_of_a_checkpoint_are_refused(exported, options, value):
    with pytest.raises(ValueError, match=rf'{value}.*model\.onnx'):
        FERInferencer(exported / 'model.onnx', **options)


def test_without_onnxruntime(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match=r'mpafer_plugin\[onnx\]'):
        FERInferencer(exported / 'model.onnx')


def test_modes(exported, face_tiny):
    model = OnnxClassifier(exported / 'model.onnx')
    assert not list(model.parameters())
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    data = dict(inputs=images)  # BGR
    with torch.no_grad():
        expected = face_tiny(face_tiny.data_preprocessor(data)['inputs'])
    logits = model(**model.data_preprocessor(data))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    for sample, row in zip(model.test_step(data), logits, strict=True):
        torch.testing.assert_close(sample.pred_score, row.softmax(0))
        assert sample.pred_label == row.argmax()
        assert sample.model_classes == tuple(model.meta.classes)
    with pytest.raises(ValueError, match="mode='loss'"):
        model(images, mode='loss')
