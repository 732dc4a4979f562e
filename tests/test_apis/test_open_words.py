import numpy as np
import pytest
import torch

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.apis.open_words import open_words
from mpafer_plugin.cli.predict.command import main

WORDS = ['bored', 'in pain', 'happiness']


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)


def test_trained_words_have_their_trained_scores(face_tiny, save, image):
    path = save(face_tiny)
    options = dict(face='none', dtype='float32')
    trained = FERInferencer(path, **options)([image])[0][0]
    again = FERInferencer(
        path, classes=face_tiny.head.text.classes[::-1], **options
    )
    assert again.classes == list(face_tiny.head.text.classes)[::-1]
    found = again([image])[0][0]
    for name, value in trained['probs'].items():
        assert found['probs'][name] == pytest.approx(value, abs=1e-6)


def test_new_words_by_the_trained_context(face_tiny, save, image, log):
    inferencer = FERInferencer(
        save(face_tiny), face='none', classes=WORDS, dtype='float32'
    )
    probs = inferencer([image])[0][0]['probs']
    assert list(probs) == WORDS
    text = inferencer.model.head.text
    assert torch.equal(text.context, face_tiny.head.text.context)
    # the vector of a word is the same under any list of classes
    index = list(face_tiny.head.text.classes).index('happiness')
    old = face_tiny.head.text()[index]
    torch.testing.assert_close(text()[2], old, atol=1e-5, rtol=1e-5)
    assert "'happiness'] in place of the trained classes" in log.text


def test_a_given_model_stays_as_it_is(face_tiny, image):
    before = face_tiny.head.prototypes.clone()
    classes = tuple(face_tiny.head.text.classes)
    found = FERInferencer(face_tiny, face='none', classes=WORDS)([image])
    assert list(found[0][0]['probs']) == WORDS
    assert tuple(face_tiny.head.text.classes) == classes
    assert torch.equal(face_tiny.head.prototypes, before)


@pytest.mark.parametrize(
    'classes, message',
    [
        (['bored', 'Bored'], "'bored' .*'Bored'"),
        (['bored', 'bored'], "'bored'"),
        (['bored'], '2 or more'),
        ('bored', '2 or more'),
        (['bored', ' '], "' ' is no word"),
    ],
)
def test_wrong_words(face_tiny, classes, message):
    with pytest.raises(ValueError, match=message):
        FERInferencer(face_tiny, face='none', classes=classes)


def test_equal_vectors(face_tiny, monkeypatch):
    from mpafer_plugin.models import PromptedCLIPText

    vectors = torch.tensor([[1.0, 2.0], [3.0, 1.0], [2.0, 4.0]])
    monkeypatch.setattr(PromptedCLIPText, 'forward', lambda self: vectors)
    with pytest.raises(ValueError, match=r"'bored' and 'happiness' .*vector"):
        FERInferencer(face_tiny, face='none', classes=WORDS)


def test_models_without_a_shared_context(tiny):
    text = dict(class_specific_context=True)
    model = build_model(**tiny, text=text)
    with pytest.raises(ValueError, match='a context for each of its classes'):
        open_words(model, WORDS)
    with pytest.raises(ValueError, match='not Linear'):
        model.head = torch.nn.Linear(2, 2)
        open_words(model, WORDS)


def test_scores_of_prototypes_are_left_out(tiny, log):
    model = build_model(**tiny, head=dict(proto_weight=0.5))
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    assert open_words(model, WORDS) == WORDS
    names = set(model.state_dict())
    assert not any('proto' in name for name in names)
    assert 'head.proto_weight=0.5' in log.text


def test_an_exported_model_is_complete():
    with pytest.raises(ValueError, match=r"classes=\['bored'"):
        FERInferencer('model.onnx', classes=WORDS)


def test_command(face_tiny, save, tmp_path, image, monkeypatch):
    import cv2

    cv2.imwrite(str(tmp_path / 'a.png'), image)
    out = tmp_path / 'out'
    code = main(
        [
            str(tmp_path / 'a.png'), '--weights', str(save(face_tiny)),
            '--face', 'none', '--json', '--out', str(out),
            '--classes', *WORDS,
        ]
    )  # fmt: skip
    assert code == 0
    assert '"in pain"' in (out / 'predictions.json').read_text()
