import pytest

from tests.chat_server import ChatServer


@pytest.fixture
def server(monkeypatch):
    """A chat server on this machine, and an environment without a key."""
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    with ChatServer() as server:
        yield server
