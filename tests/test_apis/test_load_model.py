import copy

import numpy as np
import pytest
import torch

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.engine.checkpoints.metadata import ENTRY


def infer(*args, **kwargs):
    return FERInferencer(*args, face='none', device='cpu', **kwargs)


@pytest.fixture
def code(tmp_path):
    """A function: path of a file of Python code; it tells if it was run."""
    mark = tmp_path / 'ran'

    def write(name):
        path = tmp_path / name
        path.write_text(f'open({str(mark)!r}, "w").close()\n')
        return path

    yield write
    assert not mark.exists()


@pytest.mark.parametrize('name', ['best.py', 'best.pth', 'best.pt', 'best'])
def test_weights_are_never_code(code, face_tiny, load_config, name):
    path = code(name)
    cfg = load_config('mpafer_quickstart.py')
    for source in (None, face_tiny, cfg, cfg.filename):
        with pytest.raises(ValueError, match=rf'{name}.* is damaged'):
            infer(source, path)


@pytest.mark.parametrize('name', ['best.pt', 'best', 'best.txt'])
def test_only_what_ends_like_a_config_is_one(code, name):
    with pytest.raises(ValueError, match=f"{name}' is damaged"):
        infer(code(name))


def test_a_config_is_not_executed_in_vain(code, face_tiny, tmp_path):
    path = code('best.py')
    with pytest.raises(ValueError, match='give weights=CHECKPOINT'):
        infer(path)
    with pytest.raises(FileNotFoundError, match=r'absent\.pth'):
        infer(path, tmp_path / 'absent.pth')


def test_a_file_that_was_cut_off(face_tiny, save, tmp_path):
    path = save(face_tiny, name='best.pt')
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r'best\.pt.* is damaged'):
        infer(path)


def test_weights_alone_whatever_their_name(face_tiny, save, images):
    path = save(face_tiny, name='best.json')
    ((face,),) = infer(None, path)(images[0])
    ((other,),) = infer(face_tiny)(images[0])
    np.testing.assert_allclose(face['pred_scores'], other['pred_scores'])


def test_nothing_at_all():
    with pytest.raises(ValueError, match='neither a model nor weights'):
        infer(None)


def test_the_same_settings_are_not_worth_a_word(
    face_tiny, save, load_config, log
):
    path = save(face_tiny)
    infer(load_config('mpafer_quickstart.py'), path)
    infer(face_tiny, path)
    assert 'trained with other settings' not in log.text


def test_a_config_of_other_settings(face_tiny, save, load_config, log):
    cfg = load_config('mpafer_quickstart.py')
    cfg.model.head.update(top_k=2, logit_scale=5.0)
    cfg.test_dataloader.dataset.pipeline[1].interpolation = 'nearest'
    infer(cfg, save(face_tiny))
    top_k = face_tiny.head.top_k
    assert 'model.pth' in log.text
    assert f'top_k: {top_k} in the checkpoint, 2 here' in log.text
    assert "logit_scale: 'clip' in the checkpoint, 5.0" in log.text
    text = "interpolation: 'bicubic' in the checkpoint, 'nearest' here"
    assert text in log.text
    assert 'mean:' not in log.text


def test_a_pipeline_that_does_more(face_tiny, save, load_config, log):
    cfg = load_config('mpafer_quickstart.py')
    step = dict(type='CenterCrop', crop_size=64)
    cfg.test_dataloader.dataset.pipeline.insert(2, step)
    infer(cfg, save(face_tiny))
    assert 'scale: [64, 64] in the checkpoint, more than a resize' in log.text


def test_a_model_of_other_settings(face_tiny, save, log):
    head = dict(local_weight=0.5)
    other = build_model(arch='face-tiny', pretrained='face-tiny', head=head)
    infer(other, save(face_tiny))
    assert 'local_weight: 1.0 in the checkpoint, 0.5 here' in log.text


def test_a_model_is_given_what_its_checkpoint_was(face_tiny, save, images):
    """A model itself does not say how images are resized."""
    resize = dict(scale=[64, 64], interpolation='nearest')
    path = save(face_tiny, resize=resize)
    ((face,),) = infer(copy.deepcopy(face_tiny), path)(images[0])
    ((other,),) = infer(path)(images[0])
    ((bicubic,),) = infer(face_tiny)(images[0])
    np.testing.assert_allclose(face['pred_scores'], other['pred_scores'])
    assert np.abs(face['pred_scores'] - bicubic['pred_scores']).max() > 1e-4


@pytest.mark.parametrize(
    'step',
    [
        dict(type='LoadImageFromFile', color_type='grayscale'),
        dict(type='LoadImageFromFile', to_float32=True),
        dict(type='LoadImageFromFile', imdecode_backend='tifffile'),
        dict(type='Resize', scale=(64, 64)),
    ],
)
def test_readers_that_are_not_understood(face_tiny, save, load_config, step):
    cfg = load_config('mpafer_quickstart.py')
    cfg.test_dataloader.dataset.pipeline[0] = step
    with pytest.raises(ValueError, match=f'begins with .*{step["type"]}.*,'):
        infer(cfg, save(face_tiny))


@pytest.mark.parametrize(
    'step',
    [
        dict(type='mmcv.LoadImageFromFile'),
        dict(type='LoadImageFromFile', backend_args=None),
        dict(type='LoadDecodedImage', cache_dir='cache', color_type='color'),
    ],
)
def test_readers_that_are_understood(
    face_tiny, save, load_config, images, step
):
    cfg = load_config('mpafer_quickstart.py')
    cfg.test_dataloader.dataset.pipeline[0] = step
    ((face,),) = infer(cfg, save(face_tiny))(images[0])
    ((other,),) = infer(face_tiny)(images[0])
    np.testing.assert_allclose(face['pred_scores'], other['pred_scores'])


def test_a_config_and_a_bad_file(face_tiny, save, load_config):
    path = save(face_tiny)
    checkpoint = torch.load(path)
    checkpoint[ENTRY]['classes'].reverse()
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=r'(?s)model\.pth.*classes: the c'):
        infer(load_config('mpafer_quickstart.py'), path)
