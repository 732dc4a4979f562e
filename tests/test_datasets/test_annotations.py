import json

import pytest

from mpafer_plugin.datasets import FERCsv
from mpafer_plugin.datasets.annotations import read_leave_out
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.faces import FaceCrop


def test_however_a_path_is_written(csv_root):
    listed = csv_root / 'out.txt'
    listed.write_text('# seen in training\n1.jpg\n././2.jpg\n')
    dataset = FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))
    kept = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert [path[-5:] for path in kept] == ['0.jpg', '3.jpg']


def test_images_left_out_need_not_exist(csv_root):
    (csv_root / '1.jpg').unlink()
    listed = csv_root / 'out.txt'
    listed.write_bytes(b'1.jpg\nnowhere.jpg\ncaf\xe9.jpg\n')
    dataset = FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))
    assert len(dataset) == 3
    with pytest.raises(FileNotFoundError, match=r'1 of 4 .*absent'):
        FERCsv(str(csv_root), val_fraction=0)


def test_a_folder_and_a_broken_link_are_no_images(csv_root):
    for name in ('1.jpg', '2.jpg'):
        (csv_root / name).unlink()
    (csv_root / '1.jpg').mkdir()
    (csv_root / '2.jpg').symlink_to('nowhere')
    (csv_root / '3.jpg').rename(csv_root / 'x')
    (csv_root / '3.jpg').symlink_to('x')
    with pytest.raises(FileNotFoundError, match='2 of 4 listed images are'):
        FERCsv(str(csv_root), val_fraction=0)


def test_the_log_counts(csv_root, caplog):
    listed = csv_root / 'out.txt'
    listed.write_text('1.jpg\n')
    dataset = FERCsv(
        str(csv_root), val_fraction=0, leave_out=str(listed), lazy_init=True
    )
    kept, text = dataset.without_left_out(dataset.load_samples()[2:])
    assert len(kept) == 2
    assert text == f", without 0 of the 1 images that '{listed}' lists"


def test_wrong_lists(csv_root):
    data = DataRoot(str(csv_root))
    listed = csv_root / 'out.txt'
    with pytest.raises(FileNotFoundError, match=r"no file '.*out\.txt'"):
        read_leave_out(str(listed), data)
    listed.write_text('../1.jpg\n')
    with pytest.raises(ValueError, match=r'out\.txt:1: .* leads out'):
        read_leave_out(str(listed), data)


def test_a_list_is_read_once(csv_root, monkeypatch):
    (csv_root / 'crop.json').write_text(json.dumps(FaceCrop().to_dict()))
    (csv_root / 'crop_report.csv').touch()
    listed = csv_root / 'out.txt'
    listed.write_text('1.jpg\n')
    read, lines = [], DataRoot.lines
    monkeypatch.setattr(
        DataRoot,
        'lines',
        lambda *a, **kwargs: read.append(a[1]) or lines(*a, **kwargs),
    )
    dataset = FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))
    assert len(dataset) == 3
    assert read.count('out.txt') == 1
