import hashlib
import zipfile

import pytest
import torch

from mpafer_plugin.engine.checkpoints.file import (
    damage,
    publish,
    read_checkpoint,
)


@pytest.fixture
def path(tmp_path):
    part, path = tmp_path / 'a.pth.part', tmp_path / 'a.pth'
    torch.save(dict(a=torch.arange(100)), part)
    publish(part, path)
    return path


def test_a_published_file_is_read_as_ever(path):
    assert torch.equal(torch.load(path)['a'], torch.arange(100))
    assert damage(path) == ''
    assert [p.name for p in path.parent.iterdir()] == ['a.pth']


def test_the_digest_is_that_of_what_torch_wrote(path):
    with zipfile.ZipFile(path) as archive:
        comment = archive.comment.decode()
    content = path.read_bytes()
    original = content[: -len(comment) - 2] + b'\0\0'
    assert comment == f'sha256:{hashlib.sha256(original).hexdigest()}'


@pytest.mark.parametrize('place', [0, 0.2, 0.5, 0.8, 0.99])
def test_each_changed_bit_is_seen(path, place):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(bytes(content))
    assert damage(path)


@pytest.mark.parametrize('size', [0, 10, 1000])
def test_a_cut_file(path, size):
    path.write_bytes(path.read_bytes()[:size])
    assert 'BadZipFile' in damage(path)


def test_a_file_of_another_program(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save({}, path)
    assert damage(path) == ''
    assert 'FileNotFoundError' in damage(tmp_path / 'absent.pth')
    for name in ('x' * 300, '~no-such-user/w.pth'):
        with pytest.raises(FileNotFoundError, match=name):
            read_checkpoint(name)
