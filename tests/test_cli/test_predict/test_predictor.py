import json
import os
import weakref

import cv2
import numpy as np
import pytest

from mpafer_plugin.apis import FERInferencer, Frame
from mpafer_plugin.clip import ImageTower
from mpafer_plugin.faces import YuNet, image_io
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401


@pytest.mark.parametrize('explain', [[], ['--explain']])
def test_each_image_is_decoded_and_each_face_found_once(
    predict,
    canvas,  # noqa: F811
    yunet_file,  # noqa: F811
    tmp_path,
    monkeypatch,
    explain,
):
    """The model runs once a face, too."""
    (tmp_path / 'in').mkdir()
    for name, image in (('a', canvas[0]), ('b', canvas[0][:, ::-1])):
        cv2.imwrite(str(tmp_path / f'in/{name}.png'), image)
    counts = dict(decoded=0, detected=0, faces=0)

    def count(owner, name, key, number=lambda _: 1):
        function = getattr(owner, name)

        def counted(*args, **kwargs):
            counts[key] += number(args[-1])
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(image_io, '_to_bgr', 'decoded')
    count(YuNet, 'detect', 'detected')
    count(ImageTower, 'embed', 'faces', len)
    code, err = predict(
        'in', '--out', 'out', '--json', '--face-model', yunet_file, *explain
    )
    assert code == 0, err
    assert '2 images, 12 faces' in err
    assert counts == dict(decoded=2, detected=2, faces=12)
    assert (tmp_path / 'out/a_why.png').exists() is bool(explain)


def test_a_view_that_fails(predict, noise, tmp_path, monkeypatch):
    """It costs the drawing, not the prediction."""

    def fail(image):
        raise RuntimeError('no memory')

    module = 'mpafer_plugin.cli.predict.predictor'
    monkeypatch.setattr(f'{module}.shrink', fail)
    path = noise / 'a.png'
    code, err = predict(path, '--out', 'out', '--json', '--face', 'none')
    assert code == 1
    assert f'{str(path)!r} is predicted, but not drawn: no memory' in err
    assert '1 images, 1 faces' in err


def test_a_folder_that_can_not_be_listed(
    predict, noise, tmp_path, monkeypatch
):
    (noise / 'bad.jpg').unlink()
    scandir = os.scandir

    def refuse(path):  # not by rights: root may list all
        if os.path.basename(path) == 'below':
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    code, err = predict(noise, '--out', 'out', '--json', '--face', 'none')
    assert code == 1
    assert "below' cannot be listed: " in err
    assert '1 images, 1 faces' in err
    assert '1 inputs failed' in err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['path'] for entry in entries] == [str(noise / 'a.png')]


def test_explain_is_refused_at_once(predict, noise, tmp_path, load_config):
    """Where patches lie is not known, whatever the image."""
    cfg = load_config('mpafer_quickstart.py')
    step = dict(type='CenterCrop', crop_size=64)
    cfg.test_dataloader.dataset.pipeline.insert(2, step)
    cfg.dump(tmp_path / 'cfg.py')
    args = noise / 'a.png', '--out', 'out', '--config', 'cfg.py'
    args = *args, '--face', 'none'
    code, err = predict(*args, '--explain')
    assert code == 2
    assert 'the test pipeline does more than resize' in err
    assert not (tmp_path / 'out').exists()
    code, err = predict(*args)
    assert code == 0, err


def test_a_drawing_that_fails(predict, noise, tmp_path):
    """What was predicted is in the tables."""
    (tmp_path / 'out/a.png').mkdir(parents=True)
    files = noise / 'a.png', noise / 'below/a.png'
    code, err = predict(*files, '--out', 'out', '--json', '--face', 'none')
    assert code == 1
    assert f'{str(files[0])!r} is predicted, but not drawn: ' in err
    assert '2 images, 2 faces' in err
    assert '0 inputs failed, 1 drawings failed' in err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['path'] for entry in entries] == list(map(str, files))
    assert (tmp_path / 'out/a_2.png').is_file()


@pytest.mark.parametrize('table, expected', [([], 2), (['--csv'], 1)])
def test_no_drawing_at_all(predict, noise, tmp_path, table, expected):
    """Without a table there is nothing to show."""
    (tmp_path / 'out/a.png').mkdir(parents=True)
    code, err = predict(
        noise / 'a.png', '--out', 'out', '--face', 'none', *table
    )
    assert code == expected
    assert '1 drawings failed' in err


@pytest.mark.parametrize('table, kept', [([], 2), (['--json'], 30)])
def test_faces_are_kept_for_tables_alone(predict, monkeypatch, table, kept):
    """A camera's frames have no end."""

    class Faces(list):
        """A list whose end can be seen."""

    alive = []

    def watch(self, source, smoothing, every):
        refs = []
        for number in range(30):
            faces = Faces()
            refs.append(weakref.ref(faces))
            image = np.zeros((240, 320, 3), np.uint8)
            yield Frame(number, number / 10, image), faces
        del faces
        alive.append(sum(ref() is not None for ref in refs))

    monkeypatch.setattr(FERInferencer, 'watch', watch)
    code, err = predict('0', '--out', 'out', '--face', 'none', *table)
    assert code == 0, err
    assert '30 images, 0 faces; 30 images without a face' in err
    (number,) = alive
    assert number <= kept
    assert (number == 30) is bool(table)
