import csv
import itertools
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets import FERFolder
from mpafer_plugin.faces import FaceCrop, YuNet, read_picture
from tests.conftest import ROOT
from tests.test_faces.conftest import (  # noqa: F401
    canvas,
    real_faces,
    yunet_file,
)

TOOL = ROOT / 'tools' / 'prepare_faces.py'


@pytest.fixture
def command(yunet_file, tmp_path):  # noqa: F811
    """The tool's command line, from `src` to `dst`."""
    return [
        sys.executable,
        str(TOOL),
        str(tmp_path / 'src'),
        str(tmp_path / 'dst'),
        f'--face-model={yunet_file.resolve()}',
    ]


@pytest.fixture
def source(tmp_path, real_faces, canvas):  # noqa: F811
    """A data set: a face each, all six, none, and what is no picture."""
    root = tmp_path / 'src'
    for i, face in enumerate(real_faces):
        folder = root / 'train' / ('happy' if i % 2 else 'sad')
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f'{i}.png'), cv2.resize(face, (96, 96)))
    cv2.imwrite(str(root / 'train/sad/six.JPG'), canvas[0])
    grey = np.full((90, 60, 3), 77, np.uint8)
    cv2.imwrite(str(root / 'train/sad/none.png'), grey)
    (root / 'train/sad/bad.png').write_bytes(b'no picture')
    (root / 'list.txt').write_text('train/sad/none.png 4\n')
    return root


@pytest.fixture
def run(command, monkeypatch, capsys):
    """Function that runs the tool in this process, for speed."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(*options, folders=None):
        argv = [*(folders or command[2:4]), '--jobs=1', command[4], *options]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, argv)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    yield run
    signal.signal(signal.SIGTERM, handler)


def report(folder):
    with (folder / 'crop_report.csv').open(newline='') as file:
        return {row['path']: row for row in csv.DictReader(file)}


def test_crops_a_data_set(command, source, tmp_path, yunet_file):  # noqa: F811
    result = subprocess.run(
        [*command, '--size=64', '--jobs=2'], capture_output=True, text=True
    )
    assert result.returncode == 1, result.stderr  # one can not be read
    assert 'bad.png' in result.stderr
    assert '7 crops of 9 pictures: 6 with one face, 1 with several' in (
        result.stdout
    )
    target = tmp_path / 'dst'
    # the contract says what was done: again by hand
    crop = FaceCrop.from_dict(json.loads((target / 'crop.json').read_text()))
    assert crop == FaceCrop(size=64)
    picture = read_picture(source / 'train/sad/0.png')
    (face,) = YuNet(yunet_file).detect(picture)
    np.testing.assert_array_equal(
        read_picture(target / 'train/sad/0.png'), crop.crop(picture, face)
    )
    # of six the largest
    picture = read_picture(source / 'train/sad/six.JPG')
    faces = YuNet(yunet_file).detect(picture)
    largest = max(faces, key=lambda face: face.width * face.height)
    expected = crop.crop(picture, largest).astype(int)
    found = read_picture(target / 'train/sad/six.JPG')
    assert np.abs(found - expected).mean() < 4  # of a JPEG
    assert (target / 'train/sad/six.JPG').read_bytes()[:2] == b'\xff\xd8'
    rows = report(target)
    assert rows['train/sad/six.JPG']['faces'] == '6'
    assert rows['train/sad/six.JPG']['result'] == 'several faces'
    assert rows['train/sad/none.png']['result'] == 'no face'
    assert 'none of JPEG' in rows['train/sad/bad.png']['reason']
    assert (target / 'list.txt').read_text() == 'train/sad/none.png 4\n'
    left_out = (target / 'leave_out.txt').read_text().splitlines()[1:]
    assert left_out == ['train/sad/bad.png', 'train/sad/none.png']
    # and it trains
    dataset = FERFolder(str(target), val_fraction=0)
    assert len(dataset) == 7
    assert dataset.metainfo['face_crop'] == crop.to_dict()


def test_whole_pictures(run, source, tmp_path):
    (source / 'train/sad/bad.png').unlink()
    assert run('--no-face=whole')[0] == 0
    whole = read_picture(tmp_path / 'dst/train/sad/none.png')
    assert whole.shape == (224, 224, 3)
    assert (whole == 77).all()


def test_goes_on_and_refuses_other_options(run, source, tmp_path):
    (source / 'train/sad/bad.png').unlink()
    assert run()[0] == 0
    target = tmp_path / 'dst'
    first = {p: p.stat().st_mtime_ns for p in target.rglob('*.png')}
    missing = target / 'train/happy/1.png'
    missing.unlink()
    assert run()[0] == 0
    for path, written in first.items():
        assert (path.stat().st_mtime_ns == written) == (path != missing)
    code, _, errors = run('--margin=0.3')
    assert code == 2
    assert 'margin=0.1, not 0.3' in errors


@pytest.fixture
def many(source):
    """Pictures enough to be interrupted at."""
    content = (source / 'train/sad/six.JPG').read_bytes()
    for i in range(300):
        (source / f'train/happy/more{i:03}.jpg').write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('kind', 'jobs'),
    itertools.product((signal.SIGINT, signal.SIGTERM), (1, 2)),
)
def test_interrupted(command, run, source, many, tmp_path, kind, jobs):
    target = tmp_path / 'dst'
    process = subprocess.Popen(
        [*command, f'--jobs={jobs}'],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(list(target.rglob('*.jpg'))) > 10)
    # as a terminal does it: to all processes
    os.killpg(process.pid, kind)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert 'goes on from here' in errors
    assert 'Traceback' not in errors
    crops = list(target.rglob('*.jpg'))
    assert 10 < len(crops) < 300
    assert not list(target.rglob('.*'))
    for path in crops:
        assert read_picture(path).shape == (224, 224, 3)
    with pytest.raises(ValueError, match='not all faces are cut out yet'):
        FERFolder(str(target))
    for i in range(20, 300):
        (source / f'train/happy/more{i:03}.jpg').unlink()
    assert run()[0] == 1  # only for the one unreadable
    assert len(report(target)) == 29


@pytest.mark.slow
def test_a_killed_worker_ends_the_run(command, many, tmp_path):
    process = subprocess.Popen(
        [*command, '--jobs=2'], stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(list((tmp_path / 'dst').rglob('*.jpg'))) > 10)
    workers = [
        int(entry.name)
        for entry in Path('/proc').iterdir()
        if entry.name.isdigit() and is_worker(entry, process.pid)
    ]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert 'a process was killed' in errors
    assert 'Traceback' not in errors


def is_worker(entry, parent):
    try:
        words = (entry / 'cmdline').read_bytes()
        stat = (entry / 'stat').read_text()
    except OSError:
        return False
    own_parent = int(stat.rpartition(')')[2].split()[1])
    return own_parent == parent and b'spawn_main' in words


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_wrong_folders(run, source, tmp_path):
    for name in ('full', 'empty'):
        (tmp_path / name).mkdir()
    (tmp_path / 'full/a.txt').touch()
    for folders, message in (
        (['nowhere', 'dst'], 'nowhere is no folder'),
        (['src', 'src/dst'], 'one of the folders is in the other'),
        (['src/train', 'src'], 'one of the folders is in the other'),
        (['src', 'full'], 'something else than crops'),
        (['empty', 'dst'], 'holds no pictures'),
    ):
        code, _, errors = run(folders=[tmp_path / name for name in folders])
        assert code == 2
        assert message in errors
    code, _, errors = run('--face-model=nowhere.onnx')
    assert code == 2
    assert "no file 'nowhere.onnx'" in errors
    assert not (tmp_path / 'dst').exists()
