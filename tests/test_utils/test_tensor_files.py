import zipfile
from pathlib import Path

import pytest
import torch
from mmengine.runner import CheckpointLoader

from mpafer_plugin.clip.state_dict import read_state_dict
from mpafer_plugin.engine.checkpoints.file import (
    damage,
    publish,
    read_checkpoint,
)
from mpafer_plugin.utils.tensor_files import (
    load_tensors,
    misfit,
    reading,
    unwrap_names,
)

WAYS_IN = [
    load_tensors,
    read_checkpoint,
    read_state_dict,
    lambda path: CheckpointLoader.load_checkpoint(str(path), 'cpu'),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'a.pth'


def save(path, **tensors):
    torch.save(dict(state_dict=tensors, meta={}), path)


@pytest.mark.parametrize('published', [False, True])
def test_a_changed_directory_of_the_archive(path, published):
    """Bare, zipfile raises BadZipFile, UnicodeDecodeError and others."""
    save(path, a=torch.arange(4.0), b=torch.zeros(2))
    if published:
        publish(path, path)
    content = path.read_bytes()
    start, seen = content.index(b'PK\1\2'), set()
    for place in range(start, len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x80 if place % 2 else 1
        path.write_bytes(changed)
        seen.add(damage(path).partition(':')[0])
        for read in WAYS_IN:
            try:
                read(path)
            except ValueError as error:
                assert 'a.pth' in str(error), (place, read)
                assert type(error) is ValueError, (place, read)
    assert {'UnicodeDecodeError', 'NotImplementedError'} <= seen


@pytest.mark.parametrize(
    'content, kind',
    [
        (b'', 'EOFError'),
        (b'\x80\x02h\x05.', 'KeyError'),
        (b'\x80\x02.', 'IndexError'),
        (b'version https://git-lfs', ''),
    ],
)
def test_what_torch_refuses(path, content, kind):
    path.write_bytes(content)
    for read in WAYS_IN:
        with pytest.raises(ValueError, match=r'a\.pth') as error:
            read(path)
        if read is not read_checkpoint:  # which wants an archive
            assert kind in str(error.value)


def test_what_torch_advises_is_not_passed_on(path):
    """To execute what is in the file."""
    torch.save(torch.nn.Linear(1, 1), path)
    for read in WAYS_IN:
        with pytest.raises(ValueError, match=r'torch\.nn.*Linear') as error:
            read(path)
        text = str(error.value)
        assert 'trust' not in text and 'safe_globals' not in text
        assert text.isprintable()


def test_an_assertion_without_a_message():
    with (
        pytest.raises(ValueError, match='AssertionError: assert 1 == 2'),
        reading('a.pth', 'data'),
    ):
        assert 1 == 2


def test_an_expanded_tensor(path):
    """It takes 2.8 GB where it is copied."""
    save(path, a=torch.zeros(1).expand(700_000_000))
    assert path.stat().st_size < 2000
    for read in WAYS_IN:
        with pytest.raises(ValueError, match=r'\(700000000,\) .* 2800000000'):
            read(path)


def test_a_sparse_tensor(path):
    where = torch.zeros(1, 1, dtype=torch.long)
    save(path, a=torch.sparse_coo_tensor(where, torch.ones(1), (10**9,)))
    with pytest.raises(ValueError, match=r'torch\.sparse_coo'):
        load_tensors(path)


@pytest.mark.parametrize(
    'tensor',
    [
        torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8),
        torch.zeros(2, device='meta'),
        torch.eye(2).to_sparse(),
    ],
)
def test_tensors_that_are_not_plain(tensor, path):
    save(path, a=tensor)
    with pytest.raises(ValueError, match=rf'{tensor.dtype}.*{tensor.device}'):
        load_tensors(path)


def test_a_compressed_archive(path, tmp_path):
    save(path, a=torch.zeros(100_000))
    packed = tmp_path / 'packed.pth'
    with (
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    for read in WAYS_IN:
        with pytest.raises(ValueError, match='bytes would become 40'):
            read(packed)


def test_intact_files(path):
    tensors = dict(a=torch.arange(3.0), b=torch.zeros(()))
    save(path, **tensors)
    for read in (load_tensors, read_checkpoint):
        found = read(path)['state_dict']
        assert found.keys() == tensors.keys()
        assert torch.equal(found['a'], tensors['a'])
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    assert torch.equal(load_tensors(path)['a'], tensors['a'])
    with pytest.raises(FileNotFoundError):
        CheckpointLoader.load_checkpoint(str(Path('absent.pth')))


@pytest.mark.parametrize(
    'prefix',
    ['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.'],
)
def test_names_of_wrapped_modules(prefix):
    names = ['a.weight', 'a.module.weight']
    found = {f'{prefix}{name}': torch.ones(1) for name in names}
    found['b._orig_mod.weight'] = torch.ones(1)
    unwrap_names(found)
    assert set(found) == {*names, 'b.weight'}
    found[f'{prefix}b.weight'] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"'b\.weight'"):
        unwrap_names(found)


def test_misfits():
    expected = dict(
        a=torch.zeros(2),
        b=torch.zeros(2, 3),
        unset=torch.tensor([float('nan')]),
        mask=torch.tensor([float('-inf')]),
    )
    assert misfit(dict(expected), expected) == ''
    assert misfit(expected | dict(a=torch.zeros(3)), expected) == (
        '1 of another shape: a (3,), not (2,)'
    )
    assert misfit(dict(a=torch.zeros(2), c=torch.zeros(1)), expected) == (
        '3 missing: b, unset, mask; 1 unknown: c'
    )
    for value in (float('nan'), float('inf'), -1e30):
        found = expected | dict(a=torch.tensor([0, value]))
        text = '1 not finite, or beyond 1e+18: a'
        assert misfit(found, expected) == text
        found = dict(a=found['a'].half())
        assert misfit(found, dict(a=torch.zeros(2, device='meta'))) == text
    for dtype in (torch.int64, torch.bool, torch.complex64):
        text = misfit(expected | dict(a=expected['a'].to(dtype)), expected)
        assert text == f'1 of another type: a {dtype}, not torch.float32'
    assert not misfit(expected | dict(a=torch.zeros(2).half()), expected)
    assert misfit(
        expected | dict(a=torch.full((2,), 1e300, dtype=torch.double)),
        expected,
    )
    assert not misfit(expected | dict(unset=torch.ones(1)), expected)
    assert misfit(expected | dict(unset=expected['mask']), expected)
    many = {f'blocks.{i}.weight': torch.zeros(1) for i in range(300)}
    text = misfit({}, many)
    assert '300 missing' in text
    assert '290 more' in text
    assert len(text) < 300
