import io
import tarfile
import zipfile
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool

import cv2
import numpy as np
import pytest
from mmengine.fileio import get, get_text

from mpafer_plugin.datasets import FERCsv, FERFolder, archive_backend
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.verification import read_parts, verify

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture(params=['.zip', '.tar'])
def archive(request, tmp_path):
    """An archive of two classes of ten images, and its address."""
    folder = tmp_path / 'unpacked'
    for label in ('Happy', 'sad'):
        (folder / 'train' / label).mkdir(parents=True)
        for i in range(10):
            pixels = np.full((8, 8, 3), 20 * i + 5, np.uint8)
            cv2.imwrite(str(folder / 'train' / label / f'{i}.png'), pixels)
    (folder / 'labels.csv').write_text('path,label\ntrain/sad/3.png,sad\n')
    path = tmp_path / f'faces{request.param}'
    if request.param == '.zip':
        with zipfile.ZipFile(path, 'w') as file:
            for each in folder.rglob('*'):
                file.write(each, each.relative_to(folder))
    else:
        with tarfile.open(path, 'w') as file:
            file.add(folder, '.')
    return f'archive://{path}'


def test_class_folders_in_an_archive(archive):
    dataset = FERFolder(archive, pipeline=PIPELINE, val_fraction=0)
    assert dataset.get_gt_labels().tolist() == [0] * 10 + [1] * 10
    means = [dataset[i]['inputs'].float().mean().item() for i in range(20)]
    assert means == [20 * i + 5 for i in range(10)] * 2
    assert (
        dataset[0]['data_samples'].img_path == f'{archive}/train/Happy/0.png'
    )


def test_table_in_and_beside_an_archive(archive):
    kwargs = dict(val_fraction=0, serialize_data=False, pipeline=PIPELINE)
    assert FERCsv(archive, **kwargs)[0]['inputs'][0, 0, 0] == 65
    folder, _, name = archive.rpartition('/')
    path = folder.removeprefix('archive://') + '/answers.csv'
    with open(path, 'w') as file:
        file.write('path;label\n7.png;happy\n')
    dataset = FERCsv(
        folder,
        ann_file='answers.csv',
        prefix=f'{name}/train/Happy/',
        **kwargs,
    )
    assert dataset[0]['inputs'][0, 0, 0] == 145


def test_verified(archive):
    config = dict(type='FERFolder', data_root=archive, val_fraction=0)
    report = verify(read_parts(dict(train=config)))
    assert report.ok
    (part,) = report.parts
    assert (part.pictures, part.grey) == (20, 20)
    assert len(report.duplicates) == 10


def read(address):
    return len(get(address))


def test_processes_and_threads(archive):
    names = [f'{archive}/train/sad/{i % 10}.png' for i in range(40)]
    sizes = [read(name) for name in names]
    with ThreadPool(4) as pool:
        assert pool.map(read, names) == sizes
    with get_context('fork').Pool(2) as pool:
        assert pool.map(read, names) == sizes


def test_what_a_root_says(archive):
    root = DataRoot(archive)
    assert (root.is_folder(), root.is_folder('train')) == (True, True)
    assert (root.is_file('labels.csv'), root.is_file('train')) == (True, False)
    assert root.scan() == {'labels.csv': 'file', 'train': 'folder'}
    assert not root.exists('test')
    assert "'train'" in root.describe()
    assert get_text(root.join('labels.csv')).startswith('path,label')
    with pytest.raises(FileNotFoundError, match='train/sad/99'):
        root.read('train/sad/99.png')


@pytest.mark.parametrize('name', ['a.zip', 'a.tar'])
def test_no_archive(tmp_path, name):
    (tmp_path / name).write_bytes(b'x' * 2000)
    with pytest.raises(ValueError, match=rf'{name}.*\.tar without compr'):
        FERFolder(f'archive://{tmp_path / name}')


def write(path, names, content=b'x'):
    """Write an archive of files with the same content."""
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as file:
            for name in names:
                file.writestr(zipfile.ZipInfo(name), content)
    else:
        with tarfile.open(path, 'w') as file:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return DataRoot(f'archive://{path}')


@pytest.mark.parametrize('archive_name', ['a.zip', 'a.tar'])
@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['/1.png'], "'/1.png'.*leads out"),  # was an endless loop
        (['a/../../1.png'], "'../1.png'.*leads out"),
        (['a', 'a/1.png'], "'a' is a file and a folder"),
    ],
)
def test_names_that_are_refused(tmp_path, archive_name, names, message):
    root = write(tmp_path / archive_name, names)
    with pytest.raises(ValueError, match=rf'{archive_name}.*{message}'):
        root.is_folder()


@pytest.mark.parametrize('archive_name', ['a.zip', 'a.tar'])
def test_names_that_are_tidied(tmp_path, archive_name):
    root = write(tmp_path / archive_name, ['./..a/1.png', 'b//2.png'])
    assert root.scan('b') == {'2.png': 'file'}
    assert root.read('..a/1.png') == b'x'


def test_links_in_a_tar_are_read(tmp_path):
    """GNU tar stores the second of two names of a file as a link."""
    path = tmp_path / 'a.tar'
    write(path, ['train/a/1.png'], b'pixels')
    with tarfile.open(path, 'a') as file:
        for name, kind, target in (
            ('train/b/2.png', tarfile.LNKTYPE, 'train/a/1.png'),
            ('train/b/3.png', tarfile.SYMTYPE, '../a/1.png'),
            ('train/b/4.png', tarfile.SYMTYPE, 'absent.png'),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            file.addfile(info)
    root = DataRoot(f'archive://{path}')
    assert root.files('train/b') == ['2.png', '3.png', '4.png']
    assert root.read('train/b/2.png') == root.read('train/b/3.png')
    assert root.read('train/b/2.png') == b'pixels'
    with pytest.raises(ValueError, match=r"a\.tar.*'train/b/4\.png'.*absent"):
        root.read('train/b/4.png')


@pytest.mark.parametrize('method', [0, 8, 12, 14])
def test_damaged_content(tmp_path, method):
    path = tmp_path / 'a.zip'
    with zipfile.ZipFile(path, 'w', method) as file:
        file.writestr('1.png', bytes(range(256)) * 9)
    content = bytearray(path.read_bytes())
    content[60:90] = b'x' * 30
    path.write_bytes(content)
    root = DataRoot(f'archive://{path}')
    with pytest.raises(ValueError, match=r"a\.zip.*'1\.png' in it cannot"):
        root.read('1.png')


@pytest.mark.parametrize('archive_name', ['a.zip', 'a.tar'])
def test_a_file_that_would_fill_the_memory(
    tmp_path, archive_name, monkeypatch
):
    monkeypatch.setattr(archive_backend, 'LARGEST', 10)
    root = write(tmp_path / archive_name, ['1.png'], b'x' * 11)
    with pytest.raises(ValueError, match=r"'1\.png'.* 11 bytes, more than 10"):
        root.read('1.png')
