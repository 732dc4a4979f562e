import json
import subprocess

import numpy as np

from mpafer_plugin.datasets import FERFolder
from mpafer_plugin.faces import FaceCrop, YuNet, read_image
from tests.test_cli.test_prepare_faces.report import report


def test_crops_a_data_set(command, source, tmp_path, yunet_file):
    result = subprocess.run(
        [*command, '--size=64', '--jobs=2'], capture_output=True, text=True
    )
    assert result.returncode == 1, result.stderr  # one cannot be read
    assert 'bad.png' in result.stderr
    assert '7 crops of 9 images: 6 with one face, 1 with several' in (
        result.stdout
    )
    target = tmp_path / 'dst'
    # the crop config says what was done: again by hand
    crop = FaceCrop.from_dict(json.loads((target / 'crop.json').read_text()))
    assert crop == FaceCrop(size=64)
    image = read_image(source / 'train/sad/0.png')
    (face,) = YuNet(yunet_file).detect(image)
    np.testing.assert_array_equal(
        read_image(target / 'train/sad/0.png'), crop.crop(image, face)
    )
    # of six the largest
    image = read_image(source / 'train/sad/six.JPG')
    faces = YuNet(yunet_file).detect(image)
    largest = max(faces, key=lambda face: face.width * face.height)
    expected = crop.crop(image, largest).astype(int)
    found = read_image(target / 'train/sad/six.JPG')
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


def test_whole_images(run, source, tmp_path):
    (source / 'train/sad/bad.png').unlink()
    assert run('--no-face=whole')[0] == 0
    whole = read_image(tmp_path / 'dst/train/sad/none.png')
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
