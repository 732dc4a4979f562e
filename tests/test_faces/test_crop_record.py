import errno
import fcntl
import json
import os
from pathlib import Path

import pytest

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.faces.crop_record import CropRecord, Row

ONE = Row('a/1.png', 'one face', 1, '')
NONE = Row('a/2.png', 'no face', 0, '')
BAD = Row('a/3.png', 'unreadable', 0, 'cut off')


def test_goes_on_from_what_was_written(tmp_path):
    folder = tmp_path / 'crops'
    record = CropRecord(folder, FaceCrop())
    record.add(ONE, b'crop')
    record.add(NONE, None)
    record.add(BAD, None)
    assert (folder / 'a/1.png').read_bytes() == b'crop'
    assert not (folder / 'crop_report.csv').exists()
    record.close()
    with (folder / 'crop_report.csv.part').open('a') as file:
        file.write('a/4.png,one fa')  # a kill

    other = CropRecord(folder, FaceCrop())
    done = [f'a/{i}.png' for i in range(1, 6) if other.is_done(f'a/{i}.png')]
    assert done == ['a/1.png', 'a/2.png']  # the unreadable may be mended
    (folder / 'a/1.png').unlink()
    assert not other.is_done('a/1.png')
    other.add(BAD, None)
    other.add(ONE, b'crop')
    other.finish([NONE.path, BAD.path, ONE.path])
    assert (folder / 'crop_report.csv').read_text().splitlines() == [
        'path,result,faces,reason',
        'a/1.png,one face,1,',
        'a/2.png,no face,0,',
        'a/3.png,unreadable,0,cut off',
    ]
    assert (folder / 'leave_out.txt').read_text().splitlines()[1:] == [
        'a/2.png',
        'a/3.png',
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        'a',
        'crop.json',
        'crop_report.csv',
        'leave_out.txt',
    ]
    # once more: unfinished again, with all that is known
    again = CropRecord(folder, FaceCrop())
    assert not (folder / 'crop_report.csv').exists()
    assert again.is_done('a/1.png')
    again.close()


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b'caf\xe9.png')
    folder = tmp_path / 'crops'
    record = CropRecord(folder, FaceCrop())
    record.add(Row(name, 'one face', 1, ''), b'crop')
    record.close()
    # a kill amid a letter
    with (folder / 'crop_report.csv.part').open('ab') as file:
        file.write('ä'.encode()[:1])
    other = CropRecord(folder, FaceCrop())
    assert other.is_done(name)
    other.add(Row(f'x{name}', 'no face', 0, ''), None)
    other.finish([name, f'x{name}'])
    report = (folder / 'crop_report.csv').read_bytes()
    assert b'\r\ncaf\xe9.png,one face' in report
    assert (folder / 'leave_out.txt').read_bytes().endswith(b'xcaf\xe9.png\n')


def test_names_as_long_as_they_may_be(tmp_path):
    record = CropRecord(tmp_path, FaceCrop())
    name = 'x' * 251 + '.png'
    record.add(Row(name, 'one face', 1, ''), b'crop')
    assert record.is_done(name)
    too_long = f'x{name}'
    record.add(Row(too_long, 'one face', 1, ''), b'crop')
    assert record.rows[too_long].result == 'unreadable'
    assert 'too long' in record.rows[too_long].reason
    assert not record.is_done(too_long)
    record.finish([name, too_long])
    assert record.absent == [too_long]


def test_a_full_disk_stops_all(tmp_path, monkeypatch):
    record = CropRecord(tmp_path, FaceCrop())

    def full(path, content):
        raise OSError(errno.ENOSPC, 'no space')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match='no space'):
        record.add(ONE, b'crop')
    record.close()


def test_goes_on_after_a_kill_at_the_very_beginning(tmp_path):
    (tmp_path / '.writing').touch()
    CropRecord(tmp_path, FaceCrop()).close()


def test_whole_images_need_a_file(tmp_path):
    record = CropRecord(tmp_path, FaceCrop(no_face='whole'))
    record.add(NONE, b'middle')
    assert record.is_done(NONE.path)
    (tmp_path / NONE.path).unlink()
    assert not record.is_done(NONE.path)
    record.close()


def test_other_contents_are_refused(tmp_path):
    CropRecord(tmp_path / 'a', FaceCrop()).close()
    with pytest.raises(ValueError, match=r'margin=0\.1, not 0\.2, size=224'):
        CropRecord(tmp_path / 'a', FaceCrop(size=112, margin=0.2))
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'other.txt').touch()
    with pytest.raises(ValueError, match='something else than crops'):
        CropRecord(tmp_path / 'b', FaceCrop())
    (tmp_path / 'a' / 'crop.json').write_text(json.dumps({})[:1])
    with pytest.raises(ValueError, match=r'crop\.json:1: not valid JSON'):
        CropRecord(tmp_path / 'a', FaceCrop())


def test_an_empty_crop_config_is_one_only_at_the_very_beginning(tmp_path):
    (tmp_path / 'crop.json').touch()  # a kill
    CropRecord(tmp_path, FaceCrop()).close()
    crop_config = json.loads((tmp_path / 'crop.json').read_text())
    assert crop_config == FaceCrop().to_dict()
    (tmp_path / 'crop.json').write_text('')  # whose crops are these?
    with pytest.raises(ValueError, match=r'crop\.json:1: not valid JSON'):
        CropRecord(tmp_path, FaceCrop())
    assert (tmp_path / 'crop.json').read_text() == ''


def test_one_run_at_a_time(tmp_path):
    folder = tmp_path / 'crops'
    record = CropRecord(folder, FaceCrop())
    record.add(ONE, b'crop')
    before = {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}
    for crop in (FaceCrop(), FaceCrop(size=112)):
        with pytest.raises(ValueError, match=f'{folder}: another run'):
            CropRecord(folder, crop)
    after = {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}
    assert after == before
    record.finish([ONE.path])
    other = CropRecord(folder, FaceCrop())  # not even closed
    assert other.is_done(ONE.path)
    other.close()
    CropRecord(folder, FaceCrop()).close()


@pytest.mark.parametrize(
    'row',
    [
        'a.png,two faces,2,',
        'a.png,one face,nan,',
        'a.png,one face,-1,',
        f'a.png,one face,{"9" * 5000},',
        f'a.png,one face,1,{"x" * 200_000}',  # more than csv reads
    ],
)
def test_a_damaged_report(tmp_path, row):
    record = CropRecord(tmp_path, FaceCrop())
    record.add(ONE, b'crop')
    record.finish([ONE.path])
    with (tmp_path / 'crop_report.csv').open('a') as file:
        file.write(f'{row}\n')
    for _ in range(2):  # the lock is released
        with pytest.raises(ValueError, match=r'report\.csv\.part:3: .*delete'):
            CropRecord(tmp_path, FaceCrop())
    (tmp_path / 'crop_report.csv.part').unlink()
    record = CropRecord(tmp_path, FaceCrop())
    assert not record.is_done(ONE.path)
    record.close()


def test_disks_without_locks(tmp_path, monkeypatch, log):
    def refuse(*args):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', refuse)
    CropRecord(tmp_path, FaceCrop()).close()
    assert f'{tmp_path}: this disk has no locks' in log.text
