import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.inputs import frames_of
from mpafer_plugin.faces import ImageError
from tests.conftest import ROOT
from tests.test_apis.conftest import face_tiny, save  # noqa: F401
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401
from tests.videos import live_matroska, motion_jpeg


def test_faces_of_a_canvas(predict, canvas, yunet_file, tmp_path):  # noqa: F811
    cv2.imwrite(str(tmp_path / 'six.png'), canvas[0])
    code, err = predict(
        'six.png', '--out', 'out', '--json', '--csv', '--explain',
        '--face-model', yunet_file,
    )  # fmt: skip
    assert code == 0, err
    assert '1 images, 6 faces; 0 images without' in err
    (entry,) = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert entry.keys() == {'path', 'faces'}
    assert entry['path'] == 'six.png'
    assert len(entry['faces']) == 6
    assert sum(entry['faces'][0]['probs'].values()) == pytest.approx(1)
    with open(tmp_path / 'out/predictions.csv', encoding='utf-8') as file:
        assert len(list(csv.DictReader(file))) == 6
    drawn = cv2.imread(str(tmp_path / 'out/six.png'))
    assert drawn.shape[0] == 700
    assert drawn.shape[1] > 900
    assert cv2.imread(str(tmp_path / 'out/six_why.png')).std() > 20


def test_a_bad_file_does_not_stop_the_rest(predict, noise, tmp_path):
    code, err = predict(noise, '--out', 'out', '--json', '--face', 'none')
    assert code == 1
    assert 'bad.jpg' in err
    assert 'its content is none of' in err
    assert '2 images, 2 faces' in err
    assert '1 inputs failed' in err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['path'] for entry in entries] == [
        str(noise / 'a.png'),
        str(noise / 'below/a.png'),
    ]
    written = sorted((tmp_path / 'out').rglob('*.png'))
    assert written == [tmp_path / 'out/a.png', tmp_path / 'out/below/a.png']


def test_calibrated(predict, noise, face_tiny, save, tmp_path):  # noqa: F811
    """Probabilities of logits at half their size."""
    stored = dict(temperature=2.0, images=1)
    found = []
    for name, entry, args in (
        ('a.pth', {}, []),
        ('b.pth', dict(calibration=stored), []),
        ('b.pth', dict(calibration=stored), ['--calibrated']),
    ):
        weights = save(face_tiny, name, **entry)
        code, err = predict(
            noise / 'a.png', '--out', 'out', '--json', '--face', 'none',
            '--weights', weights, *args,
        )  # fmt: skip
        assert code == 0, err
        (entry,) = json.loads((tmp_path / 'out/predictions.json').read_text())
        found.append(np.array(list(entry['faces'][0]['probs'].values())))
    assert np.array_equal(*found[:2])
    root = np.sqrt(found[0])
    np.testing.assert_allclose(found[2], root / root.sum(), atol=1e-5)
    code, err = predict(
        noise, '--out', 'out', '--calibrated', '--face', 'none'
    )
    assert code == 2 and '--store-temperature' in err


def test_names_do_not_collide(predict, noise, tmp_path):
    files = noise / 'a.png', noise / 'below/a.png'
    code, err = predict(*files, '--out', 'out', '--face', 'none')
    assert code == 0, err
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['a.png', 'a_2.png']


def test_a_video(predict, noise, tmp_path):
    frame = cv2.resize(cv2.imread(str(noise / 'a.png')), (320, 240))
    motion_jpeg(tmp_path / 'v.avi', [frame] * 5, 10)
    code, err = predict(
        'v.avi', 'absent.mp4', '--out', 'out', '--json', '--csv',
        '--face', 'none', '--smoothing', '0.5',
    )  # fmt: skip
    assert code == 1
    assert "'absent.mp4': no such file" in err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['frame'] for entry in entries] == list(range(5))
    assert entries[3]['time'] == pytest.approx(0.3)
    video = cv2.VideoCapture(str(tmp_path / 'out/v.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert video.get(cv2.CAP_PROP_FPS) == 10
    assert f'{Path("out/v.mp4")}: VP9, without sound' in err


def test_a_recording_is_as_long_as_it_took(predict, tmp_path):
    """Of uneven times, by a browser; each second frame is read."""
    times = [0, 31, 97, 160, 251, 300, 391, 600, 1403]
    frames = [np.full((64, 96, 3), 20 * i, np.uint8) for i in range(9)]
    live_matroska(tmp_path / 'live.webm', frames, times)
    code, err = predict(
        'live.webm', '--out', 'out', '--json', '--face', 'none', '--every', '2'
    )
    assert code == 0, err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['frame'] for entry in entries] == [0, 2, 4, 6, 8]
    assert entries[3]['time'] == pytest.approx(0.391, abs=2e-3)
    video = cv2.VideoCapture(str(tmp_path / 'out/live.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == 30
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 43  # 1.403 s, and the last


def test_an_address_that_does_not_answer(predict, tmp_path):
    """Its password is not printed."""
    address = 'http://me:secret@127.0.0.1:9/door/a.mjpg'
    code, err = predict(address, '--out', 'out', '--json', '--face', 'none')
    assert code == 2
    assert "'http://127.0.0.1:9/door/a.mjpg' cannot be opened" in err
    assert 'secret' not in err


@pytest.mark.parametrize(
    'args, message',
    [
        (['absent.png'], 'absent.png'),
        (['.', '--face-model', 'x.onnx', '--face', 'yunet'], 'x.onnx'),
        (['empty'], "'empty': there is no image in it"),
        (['.', '--config', 'absent.py'], 'absent.py'),
        (['.', '--clip', 'nothing'], "CLIP weights 'nothing'"),
        (['.', '--device', 'foo'], "device='foo' cannot be used"),
        (['.', '--margin', '9'], 'margin=9.0 of a crop'),
    ],
)
def test_nothing_could_be_done(predict, args, message, tmp_path):
    (tmp_path / 'empty').mkdir()
    code, err = predict('--face', 'none', *args, '--out', 'out')
    assert code == 2
    assert message in err


def test_inputs_are_not_overwritten(predict, noise, tmp_path):
    before = {p: p.read_bytes() for p in noise.rglob('*') if p.is_file()}
    image, out = noise / 'a.png', tmp_path / 'out'
    out.mkdir()
    (out / 'a.png').symlink_to(image)
    for target in (noise, out, noise / 'below/..'):
        code, err = predict(image, '--out', target, '--face', 'none')
        assert code == 2
        assert f'would overwrite the input {str(image)!r}' in err
    after = {p: p.read_bytes() for p in noise.rglob('*') if p.is_file()}
    assert after == before


def test_results_are_no_inputs(predict, noise, monkeypatch):
    """A folder that --out lies in, twice."""
    monkeypatch.chdir(noise)
    (noise / 'bad.jpg').unlink()
    for remark in (False, True):
        code, err = predict('.', '--out', 'out', '--face', 'none')
        assert code == 0, err
        assert '2 images, 2 faces' in err
        assert ("passed over 2 images of --out 'out'" in err) is remark


def test_a_video_whose_name_is_no_utf_8(predict, noise, tmp_path):
    name = os.fsdecode(b'caf\xe9.mp4')
    (tmp_path / name).touch()
    with pytest.raises(ImageError, match='OpenCV'):
        next(frames_of(tmp_path / name))
    code, err = predict(
        name, noise / 'a.png', '--out', 'out', '--face', 'none'
    )
    assert code == 1
    assert 'OpenCV opens no file whose path is not UTF-8' in err


def test_weights_are_not_executed(predict, noise, tmp_path):
    (tmp_path / 'best.py').write_text('open("ran", "w").close()')
    code, err = predict(noise, '--out', 'out', '--weights', 'best.py')
    assert code == 2
    assert "'best.py' is damaged" in err
    assert not (tmp_path / 'ran').exists()
    assert not (tmp_path / 'out').exists()


def test_a_name_that_is_no_utf_8(predict, noise, tmp_path):
    (tmp_path / 'new').mkdir()
    name = os.fsdecode(b'caf\xe9.png')
    try:
        shutil.copy(noise / 'a.png', tmp_path / 'new' / name)
    except OSError:
        pytest.skip('this file system has UTF-8 names alone')
    shutil.copy(noise / 'a.png', tmp_path / 'new/z.png')
    code, err = predict(
        'new', '--out', 'out', '--json', '--csv', '--face', 'none'
    )
    assert code == 0, err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['path'] for entry in entries] == [f'new/{name}', 'new/z.png']
    assert b'caf\xe9.png' in (tmp_path / 'out/predictions.csv').read_bytes()
    assert (tmp_path / 'out' / name).is_file()


def test_a_table_that_can_not_be_written(predict, noise, tmp_path):
    (tmp_path / 'out/predictions.json').mkdir(parents=True)
    code, err = predict(
        noise / 'a.png', '--out', 'out', '--json', '--csv', '--face', 'none'
    )
    assert code == 2
    assert 'predictions.json' in err.splitlines()[-1]
    assert (tmp_path / 'out/predictions.csv').is_file()


@pytest.mark.parametrize(
    'error, expected',
    [(RuntimeError('no memory'), 2), (KeyboardInterrupt, 130)],
)
def test_tables_are_written_when_it_stops(
    predict, noise, tmp_path, monkeypatch, error, expected
):
    forward, calls = FERInferencer.forward, []

    def fail(self, inputs):
        calls.append(inputs)
        if len(calls) > 1:
            raise error
        return forward(self, inputs)

    monkeypatch.setattr(FERInferencer, 'forward', fail)
    files = noise / 'a.png', noise / 'below/a.png'
    code, err = predict(
        *files, '--out', 'out', '--json', '--face', 'none', '--batch-size', '1'
    )
    assert code == expected
    assert '1 images, 1 faces' in err
    entries = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [entry['path'] for entry in entries] == [str(files[0])]


def test_margin(predict, canvas, yunet_file, tmp_path):  # noqa: F811
    cv2.imwrite(str(tmp_path / 'six.png'), canvas[0])
    scores = []
    for margin in ('0.1', '0.4'):
        code, err = predict(
            'six.png', '--out', 'out', '--json', '--margin', margin,
            '--face-model', yunet_file,
        )  # fmt: skip
        assert code == 0, err
        text = (tmp_path / 'out/predictions.json').read_text()
        scores.append(json.loads(text)[0]['faces'][0]['pred_scores'])
    assert np.abs(np.subtract(*scores)).max() > 1e-3


@pytest.mark.skipif(sys.platform != 'linux', reason='how Linux finds screens')
@pytest.mark.parametrize('display', [None, '', ':98'])
def test_show_without_a_screen(predict, display, monkeypatch):
    """A message, where OpenCV would abort the process."""
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    if display is None:
        monkeypatch.delenv('DISPLAY', raising=False)
    else:
        monkeypatch.setenv('DISPLAY', display)
    code, err = predict('x.png', '--out', 'out', '--show')
    assert code == 2
    assert '--show: ' in err


def test_as_a_command(tmp_path):
    """Its exit code is that of the process, without a traceback."""
    tool = ROOT / 'tools' / 'predict.py'
    result = subprocess.run(
        [sys.executable, tool, 'x.png', '--weights', 'w.pth', '--out', 'out'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "no checkpoint 'w.pth'" in result.stderr
    assert 'Traceback' not in result.stderr


@pytest.mark.parametrize(
    'args, message',
    [
        (['--batch-size', '0'], "batch_size=0 is neither 'auto'"),
        (['--batch-size', 'many'], "batch_size='many' is neither 'auto'"),
        (['--every', '0'], '--every 0 is not positive'),
        (['--smoothing', '1'], '--smoothing 1.0 is not in'),
        (['--face', 'dlib'], "invalid choice: 'dlib'"),
    ],
)
def test_wrong_arguments(predict, args, message):
    code, err = predict('x.png', '--out', 'out', *args)
    assert code == 2
    assert message in err
