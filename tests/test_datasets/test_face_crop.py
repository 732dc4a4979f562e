import json
import os

import pytest

from mpafer_plugin.datasets import RAFDB, FERCsv, FERPlus
from mpafer_plugin.faces import FaceCrop
from tests import small_data


def state(folder, crop=None, finished=True):
    """Write what `tools/prepare_faces.py` leaves beside crops."""
    crop = crop or FaceCrop()
    (folder / 'crop.json').write_text(json.dumps(crop.to_dict()))
    if finished:
        (folder / 'crop_report.csv').write_text('path,result,faces,reason\n')


def test_crop_config_is_in_metainfo_and_log(csv_root, log):
    crop = FaceCrop(size=64, margin=0.25)
    state(csv_root, crop)
    dataset = FERCsv(str(csv_root), val_fraction=0)
    assert dataset.metainfo['face_crop'] == crop.to_dict()
    text = (
        'by crop.json: yunet, aligned, 64 x 64, margin 0.25, of several '
        'faces the largest, without a face leave-out; before: as released'
    )
    assert f'crop: {text}\n' in log.text
    assert text in repr(dataset)


def test_images_as_released(csv_root, log):
    dataset = FERCsv(str(csv_root), val_fraction=0)
    # A key of its own could not be concatenated with datasets of others.
    assert 'face_crop' not in dataset.metainfo
    assert 'crop: as released\n' in log.text


def test_readers_say_what_was_before(tmp_path):
    small_data.rafdb(tmp_path)
    small_data.ferplus(tmp_path)
    state(tmp_path / 'rafdb')
    state(tmp_path / 'ferplus')
    text = RAFDB(str(tmp_path / 'rafdb')).describe()['crop']
    assert text.startswith('by crop.json: yunet')
    assert text.endswith('before: official aligned faces, 100 x 100')
    text = FERPlus(str(tmp_path / 'ferplus')).describe()['crop']
    assert text.endswith('before: 48 x 48 grey, as released')


@pytest.mark.parametrize('relative', [False, True])
def test_several_data_sets_in_a_prepared_folder(
    csv_root, relative, monkeypatch
):
    state(csv_root.parent, FaceCrop(size=32))
    monkeypatch.chdir(csv_root)
    path = os.curdir if relative else str(csv_root)
    dataset = FERCsv(path, val_fraction=0)
    assert dataset.metainfo['face_crop']['size'] == 32
    state(csv_root, FaceCrop(size=16))  # its own comes first
    dataset = FERCsv(path, val_fraction=0)
    assert dataset.metainfo['face_crop']['size'] == 16


def test_what_can_not_be_relied_on(csv_root):
    state(csv_root, finished=False)
    with pytest.raises(ValueError, match='not all faces are cut out yet'):
        FERCsv(str(csv_root))
    (csv_root / 'crop.json').write_text('{"version": 99}')
    with pytest.raises(ValueError, match=r'crop\.json: .*version 99'):
        FERCsv(str(csv_root))
    (csv_root / 'crop.json').write_text('{')
    with pytest.raises(ValueError, match=r'crop\.json:1: not valid JSON'):
        FERCsv(str(csv_root))


def test_images_without_a_crop(csv_root):
    (csv_root / '2.jpg').unlink()
    listed = csv_root / 'leave_out.txt'
    listed.write_text('# no face\n2.jpg\n')
    state(csv_root)
    dataset = FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))
    assert len(dataset) == 3
    with pytest.raises(FileNotFoundError, match=r'have no crop: .*leave_out'):
        FERCsv(str(csv_root), val_fraction=0)
    listed.write_text('../2.jpg\n')
    with pytest.raises(ValueError, match='leads out'):
        FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))


@pytest.mark.parametrize('written', ['plain', 'relative', 'link'])
def test_images_without_a_crop_of_several_data_sets(
    csv_root, written, monkeypatch
):
    """The list beside the crop config is relative to the folder above."""
    (csv_root / '2.jpg').unlink()
    above = csv_root.parent
    state(above)
    path = above / 'leave_out.txt'
    path.write_text('# no face\nown/2.jpg\n./own//3.jpg\nother/1.jpg\nown\n')
    if written == 'relative':
        monkeypatch.chdir(csv_root)
        root, listed = os.curdir, '../leave_out.txt'
    elif written == 'link':
        root, listed = str(csv_root), str(above.parent / 'link.txt')
        os.symlink(path, listed)
    else:
        root, listed = str(csv_root), str(path)
    dataset = FERCsv(root, val_fraction=0, leave_out=listed)
    kept = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert [name[-5:] for name in kept] == ['0.jpg', '1.jpg']
    _, text = dataset.without_left_out(dataset.load_samples())
    assert text.startswith(', without 2 of the 2 images')


def test_only_the_list_beside_the_crop_config_is_relative_to_it(csv_root):
    state(csv_root.parent)
    (csv_root / 'own').mkdir()
    (csv_root.parent / 'leave_out.txt').write_text('own/2.jpg\n')
    own = csv_root / 'leave_out.txt'
    own.write_text('own/2.jpg\n3.jpg\n')
    dataset = FERCsv(str(csv_root), val_fraction=0, leave_out=str(own))
    assert len(dataset) == 3
    # a crop config of its own: the other list is any list
    state(csv_root)
    other = str(csv_root.parent / 'leave_out.txt')
    assert len(FERCsv(str(csv_root), val_fraction=0, leave_out=other)) == 4


@pytest.mark.parametrize(
    'line', ['../2.jpg', 'own/../../2.jpg', '/own/2.jpg', 'x/../own/2.jpg']
)
def test_paths_that_lead_out_of_several_data_sets(csv_root, line):
    state(csv_root.parent)
    listed = csv_root.parent / 'leave_out.txt'
    listed.write_text(f'own/1.jpg\n{line}\n')
    with pytest.raises(ValueError, match=r'leave_out\.txt:2: .*leads out'):
        FERCsv(str(csv_root), val_fraction=0, leave_out=str(listed))


def test_the_error_names_the_list_to_give(csv_root):
    (csv_root / '2.jpg').unlink()
    state(csv_root.parent)
    listed = csv_root.parent / 'leave_out.txt'
    with pytest.raises(FileNotFoundError, match=f"the file '{listed}'"):
        FERCsv(str(csv_root), val_fraction=0)
