from email.message import Message
from io import BytesIO
from urllib.error import URLError
from urllib.response import addinfourl

import pytest

from mpafer_plugin.faces import YUNET_DIGEST, find_yunet, yunet_weights
from mpafer_plugin.faces.yunet_weights import YUNET_NAME, YUNET_URL


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """Folder of fetched files, empty; there is no network."""
    monkeypatch.delenv('MPAFER_YUNET', raising=False)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def refuse(request, *args, **kwargs):
        raise URLError('no network in tests')

    monkeypatch.setattr(yunet_weights, 'urlopen', refuse)
    return tmp_path / 'hub'


def test_given_file_comes_first(yunet_file, monkeypatch, tmp_path):
    other = tmp_path / 'other.onnx'
    other.write_bytes(b'x')
    monkeypatch.setenv('MPAFER_YUNET', str(other))
    assert find_yunet(yunet_file) == (yunet_file, YUNET_DIGEST)
    monkeypatch.setenv('MPAFER_YUNET', str(yunet_file))
    assert find_yunet() == (yunet_file, YUNET_DIGEST)


def test_another_version_is_taken_with_a_warning(tmp_path, log):
    other = tmp_path / 'other.onnx'
    other.write_bytes(b'x')
    path, digest = find_yunet(other)
    assert path == other
    assert digest.startswith('2d711642')  # of b'x'
    assert f'has the SHA-256 {digest}' in log.text


def test_absent_files_are_named(tmp_path, monkeypatch):
    for name in ('a.onnx', 'x' * 300, '~no-such-user/a.onnx'):
        with pytest.raises(FileNotFoundError, match=f"detector: no .*'{name}"):
            find_yunet(name)
    monkeypatch.setenv('MPAFER_YUNET', 'b.onnx')
    with pytest.raises(FileNotFoundError, match=r"YUNET: no file 'b\.onnx'"):
        find_yunet()


def test_without_network_it_says_what_to_do(hub):
    with pytest.raises(ConnectionError) as error:
        find_yunet()
    text = str(error.value)
    assert YUNET_URL in text
    assert str(hub / 'yunet' / YUNET_NAME) in text
    assert 'MPAFER_YUNET' in text
    assert '--face-model' in text
    assert list((hub / 'yunet').iterdir()) == []


def serve(monkeypatch, content):
    """Let the network give this content."""
    monkeypatch.setattr(
        yunet_weights,
        'urlopen',
        lambda *args, **kwargs: addinfourl(BytesIO(content), Message(), ''),
    )


def test_fetched_once(hub, yunet_file, monkeypatch):
    serve(monkeypatch, yunet_file.read_bytes())
    path, digest = find_yunet()
    assert path == hub / 'yunet' / YUNET_NAME
    assert digest == YUNET_DIGEST
    monkeypatch.setattr(yunet_weights, 'urlopen', None)
    assert find_yunet() == (path, YUNET_DIGEST)


def test_another_file_from_the_network_is_refused(hub, monkeypatch):
    serve(monkeypatch, b'<html>please log in</html>')
    with pytest.raises(ConnectionError, match='SHA-256 a28d35ff'):
        find_yunet()
    assert list((hub / 'yunet').iterdir()) == []


def test_damaged_file_is_fetched_again(hub, yunet_file, monkeypatch, log):
    (hub / 'yunet').mkdir(parents=True)
    path = hub / 'yunet' / YUNET_NAME
    path.write_bytes(yunet_file.read_bytes()[:1000])
    serve(monkeypatch, yunet_file.read_bytes())
    assert find_yunet() == (path, YUNET_DIGEST)
    assert 'is damaged' in log.text
    assert path.stat().st_size == yunet_file.stat().st_size
