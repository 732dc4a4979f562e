import os
import zipfile
from pathlib import Path

import torch
from mmengine.config import Config

from mpafer_plugin.engine.checkpoints.private_folders import text_of


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return b''.join(archive.read(name) for name in archive.namelist())


def test_a_finished_work_dir(build_runner, tmp_path, tiny_arch, data_root):
    """Logs and the host's copies of the config do hold absolute paths."""
    runner = build_runner(work_dir=str(tmp_path / 'run'))
    assert Path(runner.cfg.data_root).is_absolute()
    runner.train()
    hosts = ('.log', '.py', 'last_checkpoint')
    folders = [str(tmp_path), str(data_root), str(Path(tiny_arch).parent)]
    seen = 0
    for path in (tmp_path / 'run').rglob('*'):
        if path.is_dir() or path.name.endswith(hosts):
            continue
        is_checkpoint = path.suffix == '.pth'
        text = contents(path) if is_checkpoint else path.read_bytes()
        seen += is_checkpoint
        for folder in folders:
            assert folder.encode() not in text, path.name
    assert seen >= 2


def test_resume_finds_them(build_runner, tmp_path):
    runner = build_runner(work_dir=str(tmp_path / 'run'))
    runner.train()
    expected = {
        key: runner.message_hub.get_info(key)
        for key in ('last_ckpt', 'best_ckpt')
    }
    stored = torch.load(expected['last_ckpt'])['message_hub']['runtime_info']
    assert stored['last_ckpt'] == 'epoch_1.pth'
    moved = tmp_path / 'moved'
    os.rename(tmp_path / 'run', moved)
    again = build_runner(work_dir=str(moved), resume=True)
    again.train()
    for key, path in expected.items():
        found = Path(again.message_hub.get_info(key))
        assert found == moved / Path(path).name
        assert found.is_file()


def test_text_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = Config(
        dict(
            inside=str(tmp_path / 'data' / 'ferplus'),
            outside=['/home/maker/weights.pt', ('/home/maker/data',)],
            archive='archive:///home/maker/faces.zip',
            address='https://host/maker/faces.zip',
            relative='work_dirs/run',
            above='../maker/data',
            home='~/maker/data',
            name='ViT-B-16',
        )
    )
    text = text_of(cfg)
    assert Config.fromstring(text, '.py').to_dict() == dict(
        inside=os.path.join('data', 'ferplus'),
        outside=['weights.pt', ('data',)],
        archive='archive://faces.zip',
        address='https://host/maker/faces.zip',
        relative='work_dirs/run',
        above='data',
        home='data',
        name='ViT-B-16',
    )
    assert cfg.outside[0] == '/home/maker/weights.pt'
