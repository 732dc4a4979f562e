"""Readers on a disk that is not there: files in a dict."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from mmengine.fileio import BaseStorageBackend, io, register_backend
from mmengine.fileio.backends import backends, prefix_to_backends
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets.data_root import DataRoot, read_class_names

PREFIX = 'mem://'


class MemoryBackend(BaseStorageBackend):
    """Files by path in a dict, as on no local disk."""

    def __init__(self, files='files'):
        # backend_args go through JSON, so what is there is named only
        self.files = getattr(type(self), files)

    def get(self, filepath):
        return self.files[filepath]

    def get_text(self, filepath, encoding='utf-8'):
        return self.get(filepath).decode(encoding)

    def exists(self, filepath):
        return self.isfile(filepath) or self.isdir(filepath)

    def isfile(self, filepath):
        return filepath in self.files

    def isdir(self, filepath):
        return any(path.startswith(f'{filepath}/') for path in self.files)

    def join_path(self, filepath, *filepaths):
        return '/'.join((filepath, *filepaths))

    @contextmanager
    def get_local_path(self, filepath):
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.get(filepath))
            file.flush()
            yield file.name


class ListingBackend(MemoryBackend):
    """The same, and it can tell what a folder holds."""

    def list_dir_or_file(self, dir_path, list_dir=True, list_file=True):
        start = f'{dir_path}/'
        rest = (p[len(start) :] for p in self.files if p.startswith(start))
        # object stores mark folders by a slash
        found = {path.split('/')[0] + '/' * ('/' in path) for path in rest}
        for name in found:
            if list_dir if name.endswith('/') else list_file:
                yield name


@pytest.fixture
def memory(data_root, tmp_path):
    """Small datasets in memory only, as mem://data/... and elsewhere/..."""
    faces = sorted((data_root / 'rafdb').rglob('*.jpg'))[:6]
    own = {
        'own/labels.csv': b'path,label,split\n'
        b'folder/train/Happy/0.jpg,Happy,train\n'
        b'folder/train/Happy/p/1.JPG,happy,train\n'
        b'folder/train/B\xc3\xb6se/2.jpg,B\xc3\xb6se,train\n'
        b'folder/test/Happy/3.jpg,Happy,test\n'
    }
    for line in own['own/labels.csv'].decode().splitlines()[1:]:
        own[f'own/{line.split(",")[0]}'] = faces.pop().read_bytes()
    for name, content in own.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    files = {}
    for root in (data_root, tmp_path):
        for path in filter(Path.is_file, root.rglob('*')):
            name = path.relative_to(root).as_posix()
            files[f'{PREFIX}data/{name}'] = path.read_bytes()
            files[f'elsewhere/{name}'] = path.read_bytes()
    MemoryBackend.files = files
    register_backend('mem', ListingBackend, prefixes='mem')
    register_backend('blind', MemoryBackend)
    yield {'rafdb': data_root, 'ferplus': data_root, 'affectnet': data_root}
    del backends['mem'], backends['blind'], prefix_to_backends['mem']
    for key in [k for k in io.backend_instances if 'mem' in k]:
        del io.backend_instances[key]
    del MemoryBackend.files


READERS = [
    ({'type': 'RAFDB'}, 'rafdb', 77),
    ({'type': 'FERPlus'}, 'ferplus', 32),
    ({'type': 'AffectNet', 'num_classes': 8}, 'affectnet', 88),
    ({'type': 'FERFolder', 'val_fraction': 0}, 'own/folder', 3),
    ({'type': 'FERCsv', 'val_fraction': 0}, 'own', 3),
]


def read(cfg):
    """Serialising collects garbage first, a third of a second each time."""
    return DATASETS.build({**cfg, 'serialize_data': False})


@pytest.mark.parametrize(
    ('top', 'backend_args'),
    [(f'{PREFIX}data', None), ('elsewhere', {'backend': 'mem'})],
)
@pytest.mark.parametrize(('cfg', 'folder', 'length'), READERS)
def test_readers_read_what_is_on_no_disk(
    memory, tmp_path, cfg, folder, length, top, backend_args
):
    load = {'type': 'LoadImageFromFile', 'backend_args': backend_args}
    root = f'{top}/{folder}'
    there = read(
        {
            **cfg,
            'data_root': root,
            'backend_args': backend_args,
            'pipeline': [load],
        }
    )
    local = read(
        {
            **cfg,
            'data_root': str(memory.get(folder, tmp_path) / folder),
            'pipeline': [{'type': 'LoadImageFromFile'}],
        }
    )
    assert len(there) == len(local) == length
    assert there.metainfo == local.metainfo
    for mine, wanted in zip(there, local, strict=True):
        path = Path(wanted['img_path']).relative_to(local.data_root)
        assert mine['img_path'] == f'{root}/{path.as_posix()}'
        assert mine['gt_label'] == wanted['gt_label']
    assert (there[0]['img'] == local[0]['img']).all()


@pytest.mark.parametrize(('cfg', 'folder', 'length'), READERS)
def test_absent_images_elsewhere_are_told(memory, cfg, folder, length):
    """FERFolder lists what is there, so it can only have fewer."""
    root = f'{PREFIX}data/{folder}'
    gone = read({**cfg, 'data_root': root})[0]['img_path']
    del MemoryBackend.files[gone]
    if cfg['type'] == 'FERFolder':
        assert len(read({**cfg, 'data_root': root})) == length - 1
        return
    with pytest.raises(FileNotFoundError, match=r'1 of .*are absent'):
        read({**cfg, 'data_root': root})


def test_no_such_folder_elsewhere(memory):
    for cfg, *_ in READERS:
        with pytest.raises(FileNotFoundError, match="'mem://x' is no folder"):
            read({**cfg, 'data_root': f'{PREFIX}x'})


@pytest.mark.parametrize(('cfg', 'folder', 'length'), READERS)
def test_backend_that_lists_no_folders(memory, cfg, folder, length):
    args = {'backend': 'blind'}
    with pytest.raises(
        ValueError,
        match=r"a MemoryBackend cannot list the folders of 'elsewhere/.*; "
        r'use a LocalBackend or a PetrelBackend',
    ):
        read({**cfg, 'data_root': f'elsewhere/{folder}', 'backend_args': args})


def test_lines(tmp_path):
    text = '\ufeffa 1\r\n\r\n  ö 2 \n\x0c\nlast'
    (tmp_path / 'a.txt').write_bytes(text.encode())
    root = DataRoot(str(tmp_path))
    assert list(root.lines('a.txt')) == [(1, 'a 1'), (3, 'ö 2'), (5, 'last')]


def test_rows(tmp_path):
    text = '\ufeffa,"b, c"\r\n\r\n  ö , 2\n"say ""3""",3'
    (tmp_path / 'a.csv').write_bytes(text.encode())
    assert list(DataRoot(str(tmp_path)).rows('a.csv')) == [
        (1, ['a', 'b, c']),
        (3, ['ö', '2']),
        (4, ['say "3"', '3']),
    ]


def test_text_of_another_coding(tmp_path):
    # decoded at once, a short file fails before its first line
    (tmp_path / 'a').write_bytes('a,b\nö,c\n'.encode('cp1252'))
    root = DataRoot(str(tmp_path))
    with pytest.raises(ValueError, match=r'/a:2: not UTF-8 text'):
        list(root.lines('a'))
    with pytest.raises(ValueError, match=r"/a:2: not UTF-8 text: 'utf-8'"):
        list(root.rows('a'))


def test_broken_csv(tmp_path):
    # longer than csv takes a field to be
    (tmp_path / 'a').write_text('a,b\n' + 'x' * 200_000 + ',c\n')
    rows = DataRoot(str(tmp_path)).rows('a')
    assert next(rows) == (1, ['a', 'b'])
    with pytest.raises(ValueError, match=r'/a:2: not CSV: field l'):
        next(rows)


@pytest.mark.parametrize(
    'rows',
    [
        ['c,"d', 'e,f', 'g,h'],  # to the end of the file
        ['c,"d', 'e,f', 'g,12"', 'i,j'],  # to the next quote
        ['c,"d', 'e,f', 'g,"h"', 'i,j'],
        ['c,"d'],
        ['c,"two', 'lines"'],
    ],
)
def test_a_quote_that_is_not_closed_takes_no_rows(tmp_path, rows):
    (tmp_path / 'a').write_text('\n'.join(['a,b', '', 'c,d', *rows, '']))
    read = DataRoot(str(tmp_path)).rows('a')
    assert [next(read), next(read)] == [(1, ['a', 'b']), (3, ['c', 'd'])]
    with pytest.raises(ValueError, match=r'/a:4: not CSV: .*quote .*close'):
        next(read)


def test_content_of_a_folder_and_description(tmp_path):
    for name in ('b', 'a.txt', '.hidden', 'Thumbs.db'):
        (tmp_path / name).touch()
    root = DataRoot(str(tmp_path))
    assert root.scan() == {'a.txt': 'file', 'b': 'file'}
    assert root.describe().endswith("holds ['a.txt', 'b'], 2 entries in all")
    assert "c' is no folder (working directory: " in root.describe('c')
    assert "b' is no folder; archives are .zip" in root.describe('b')
    for name in ('1.jpg', '__MACOSX', '@eaDir', 'lost+found'):
        (tmp_path / name).mkdir()
    for name, target in (('c', 'b'), ('d', '1.jpg'), ('e', 'e'), ('f', '')):
        (tmp_path / name).symlink_to(target or 'nowhere')
    assert root.folders() == ['1.jpg', 'd']
    assert root.files() == ['a.txt', 'b', 'c']
    assert [n for n, k in root.scan().items() if k == 'other'] == ['e', 'f']


def test_class_names(tmp_path):
    path = tmp_path / 'classes.txt'
    path.write_bytes('\ufeffjoy\n\ngähnend\n'.encode())
    assert read_class_names(str(path)) == ['joy', 'gähnend']
    path.write_bytes(b'joy\n\xff')
    with pytest.raises(ValueError, match=r'classes\.txt:2: not UTF-8'):
        read_class_names(str(path))
    for absent in (str(tmp_path), 'x' * 5000):
        with pytest.raises(FileNotFoundError, match='classes: no file'):
            read_class_names(absent)
