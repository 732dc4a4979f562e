"""What the tool refuses, and what stops nothing else."""

import os

import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import FaceCrop, read_image
from mpafer_plugin.faces.crop_record import CropRecord
from tests.test_cli.test_prepare_faces.report import report


def test_wrong_folders(run, source, tmp_path):
    for name in ('full', 'empty'):
        (tmp_path / name).mkdir()
    (tmp_path / 'full/a.txt').touch()
    for folders, message in (
        (['nowhere', 'dst'], 'nowhere is no folder'),
        (['src', 'src/dst'], 'one of the folders is in the other'),
        (['src/train', 'src'], 'one of the folders is in the other'),
        (['src', 'full'], 'something else than crops'),
        (['empty', 'dst'], 'holds no images'),
    ):
        code, _, errors = run(folders=[tmp_path / name for name in folders])
        assert code == 2
        assert message in errors
    code, _, errors = run('--face-model=nowhere.onnx')
    assert code == 2
    assert "no file 'nowhere.onnx'" in errors
    (tmp_path / 'bad.onnx').write_text('no model')
    for jobs in (1, 2):
        code, _, errors = run(
            f'--face-model={tmp_path}/bad.onnx', f'--jobs={jobs}'
        )
        assert code == 2
        assert 'is no face detector' in errors
    assert not (tmp_path / 'dst').exists()


@pytest.mark.parametrize(
    'name', ['leave_out.txt', 'crop_report.csv', 'crop_report.csv.part']
)
def test_the_tools_own_names_are_refused(run, source, tmp_path, name):
    (source / name).touch()
    code, _, errors = run()
    assert code == 2
    assert f'has {name}, names of files' in errors
    assert not (tmp_path / 'dst').exists()


def test_crops_are_not_cut_again(run, source, tmp_path):
    (source / 'train/sad/bad.png').unlink()
    assert run()[0] == 0
    (tmp_path / 'all').mkdir()
    (tmp_path / 'dst').rename(tmp_path / 'all/dst')
    for name in ('all', 'all/dst', 'all/dst/train', 'all/dst/train/sad'):
        code, _, errors = run(folders=[tmp_path / name, tmp_path / 'again'])
        assert code == 2
        assert 'holds crops already' in errors
        assert 'all/dst/crop.json' in errors
    assert not (tmp_path / 'again').exists()


def test_no_file_stops_the_others(run, source, tmp_path):
    bad = [
        ('notes.txt', 'a broken link'),
        ('train/sad/pipe.png', 'is no file'),
        ('train/sad/.f.png', 'an image by its content'),
        ('train/sad/bad.png', 'none of JPEG'),
    ]
    (source / 'notes.txt').symlink_to('nowhere')
    os.mkfifo(source / 'train/sad/pipe.png')
    cv2.imwrite(
        str(source / 'train/sad/.f.png'), np.zeros((9, 9, 3), np.uint8)
    )
    good = os.fsdecode(b'train/sad/caf\xe9.png')
    (source / 'train/sad/0.png').rename(source / good)
    code, output, errors = run()
    assert code == 1
    assert '7 crops of 10 images' in output
    assert '2 unreadable' in output
    assert 'other files and folders not copied: 2' in output
    target = tmp_path / 'dst'
    assert read_image(target / good).shape == (224, 224, 3)
    rows = report(target)
    listed = (target / 'leave_out.txt').read_text(errors='surrogateescape')
    for path, reason in bad:
        assert reason in rows[path]['reason']
        assert f'{path}\n' in listed
        assert not os.path.lexists(target / path)
    assert len(errors.splitlines()) >= 3
    # mended, the same command goes on
    for path, _ in bad:
        (source / path).unlink()
    assert run()[0] == 0
    assert len(report(target)) == 8


def test_a_second_run_at_the_same_time_is_refused(run, source, tmp_path):
    target = tmp_path / 'dst'
    first = CropRecord(target, FaceCrop())
    names = sorted(os.listdir(target))
    code, _, errors = run()
    assert code == 2
    assert f'{target}: another run makes crops there' in errors
    assert sorted(os.listdir(target)) == names
    first.close()
    assert run()[0] == 1  # only for the one unreadable


def test_hidden_files_are_no_images(run, source, tmp_path):
    """macOS writes them beside images, of which they have the ending."""
    (source / 'train/sad/bad.png').unlink()
    (source / 'train/sad/._0.png').write_bytes(b'\0\5\x16\7')
    code, output, _ = run()
    assert code == 0
    assert '7 crops of 8 images' in output
    assert (tmp_path / 'dst/train/sad/._0.png').read_bytes()[:2] == b'\0\5'
