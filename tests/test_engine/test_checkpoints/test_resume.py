import os
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from mpafer_plugin.engine.checkpoints.file import publish
from mpafer_plugin.engine.checkpoints.resume import (
    POINTER,
    choose_checkpoint,
    point_to,
)

HUB = dict(log_scalars={}, runtime_info={}, resumed_keys={})


@pytest.fixture
def runner(tmp_path):
    """A runner to resume, with the files of two epochs."""
    for number in (1, 2):
        path = tmp_path / f'epoch_{number}.pth'
        meta = dict(epoch=number, iter=number)
        content = dict(state_dict={}, meta=meta, message_hub=HUB)
        torch.save(content, path)
        publish(path, path)
        os.utime(path, (number, number))
    return SimpleNamespace(
        work_dir=str(tmp_path),
        logger=MMLogger.get_current_instance(),
        _load_from=None,
        _resume=True,
    )


def chosen(runner, folder):
    choose_checkpoint(runner, folder, ('epoch_{}.pth',))
    return os.path.basename(runner._load_from)


@pytest.mark.parametrize(
    'content', [b'\xff\xfe', b'a\0b', b'absent.pth', b'', b'x' * 5000]
)
def test_a_pointer_to_nothing(runner, tmp_path, content):
    (tmp_path / POINTER).write_bytes(content)
    assert chosen(runner, tmp_path) == 'epoch_2.pth'


def test_a_folder_whose_name_is_not_text(runner, tmp_path):
    folder = tmp_path / os.fsdecode(b'caf\xe9')
    folder.mkdir()
    (tmp_path / 'epoch_1.pth').rename(folder / 'epoch_1.pth')
    point_to(runner, folder / 'epoch_1.pth')
    assert chosen(runner, tmp_path) == 'epoch_1.pth'


def test_a_damaged_directory_of_the_newest_file(runner, tmp_path):
    newest = tmp_path / 'epoch_2.pth'
    point_to(runner, newest)
    content = newest.read_bytes()
    start = content.index(b'PK\1\2')
    for place in range(start, len(content) - 73):
        changed = bytearray(content)
        changed[place] ^= 0x80
        newest.write_bytes(changed)
        runner._load_from, runner._resume = None, True
        assert chosen(runner, tmp_path) == 'epoch_1.pth', place


@pytest.mark.parametrize(
    'content',
    [5, torch.zeros(1), dict(a=torch.zeros(1)), dict(state_dict={})],
)
def test_intact_files_that_are_no_checkpoints(content, runner, tmp_path):
    newest = tmp_path / 'epoch_3.pth'
    torch.save(content, newest)
    publish(newest, newest)
    point_to(runner, newest)
    assert chosen(runner, tmp_path) == 'epoch_2.pth'
    runner._load_from = str(newest)
    with pytest.raises(ValueError, match=r'epoch_3\.pth'):
        chosen(runner, tmp_path)


def test_a_named_file_that_is_none(runner, tmp_path):
    for name in (str(tmp_path), 'x' * 5000):
        runner._load_from = name
        with pytest.raises(FileNotFoundError, match='no checkpoint'):
            chosen(runner, tmp_path)


def test_links_and_folders_named_like_checkpoints(runner, tmp_path):
    (tmp_path / 'epoch_3.pth').symlink_to('absent.pth')
    (tmp_path / 'epoch_4.pth').mkdir()
    assert chosen(runner, tmp_path) == 'epoch_2.pth'
