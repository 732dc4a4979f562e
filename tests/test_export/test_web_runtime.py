import json
import logging
import tarfile

import pytest

from mpafer_plugin.export import web_runtime
from mpafer_plugin.export.web_runtime import FILES, VERSION, read_runtime


@pytest.fixture
def package(tmp_path):
    """Unpacked package, with small files."""
    folder = tmp_path / 'package'
    (folder / 'dist').mkdir(parents=True)
    for name in FILES:
        (folder / 'dist' / name).write_text(name)
    (folder / 'package.json').write_text(json.dumps(dict(version=VERSION)))
    return folder


def packed(folder):
    path = folder.with_suffix('.tgz')
    with tarfile.open(path, 'w:gz') as archive:
        archive.add(folder, 'package')
    return path


def npm(folder, content):
    """Write a client that does as npm pack does, or fails."""
    path = folder / 'npm'
    path.write_text(f'#!/bin/sh\n{content}\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize('pack', [packed, lambda folder: folder])
def test_files(package, pack):
    assert read_runtime(pack(package)) == {x: x.encode() for x in FILES}


@pytest.mark.parametrize('pack', [packed, lambda folder: folder])
def test_a_missing_file(package, pack):
    (package / 'dist' / FILES[2]).unlink()
    with pytest.raises(ValueError, match=FILES[2]):
        read_runtime(pack(package))


def test_another_version(package, caplog):
    (package / 'package.json').write_text('{"version": "1.2.3"}')
    with caplog.at_level(logging.WARNING):
        read_runtime(package)
    assert '1.2.3' in caplog.text and VERSION in caplog.text


def test_no_package(tmp_path):
    path = tmp_path / 'x.tgz'
    with pytest.raises(ValueError, match=r'x\.tgz'):
        read_runtime(path)
    path.write_text('no archive')
    with pytest.raises(ValueError, match=r'x\.tgz'):
        read_runtime(path)


def test_npm(package, tmp_path, monkeypatch):
    client = npm(tmp_path, f'cp {packed(package)} . # $@')
    monkeypatch.setattr(web_runtime.shutil, 'which', lambda name: client)
    with pytest.raises(ValueError, match=web_runtime.DIGEST):
        read_runtime()
    digest = web_runtime.sha256(package.with_suffix('.tgz'))
    monkeypatch.setattr(web_runtime, 'DIGEST', digest)
    assert set(read_runtime()) == set(FILES)


def test_npm_fails(tmp_path, monkeypatch):
    client = npm(tmp_path, 'echo "npm error code E404" >&2; exit 1')
    monkeypatch.setattr(web_runtime.shutil, 'which', lambda name: client)
    with pytest.raises(ConnectionError, match=r'E404.*--onnxruntime-web'):
        read_runtime()
    monkeypatch.setattr(web_runtime.shutil, 'which', lambda name: None)
    with pytest.raises(ConnectionError, match='--onnxruntime-web'):
        read_runtime()
