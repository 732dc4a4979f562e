import json

import pytest

from mpafer_plugin.prompts.generation import Chat, generate, make_plan
from tests.chat_server import ChatServer

CLASSES = ['fear', 'surprise', 'in pain']


@pytest.fixture
def server(monkeypatch):
    """A chat server on this machine, and an environment without a key."""
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    with ChatServer() as server:
        yield server


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'prompts.json'


@pytest.fixture
def run(server, out):
    """Function that asks the server and reads what was written."""

    def run(plan=None, force=False, **arguments):
        plan = plan or make_plan('small', CLASSES, **arguments)
        generate(plan, Chat(server.url, plan.model, 5, 1).ask, out, force)
        return json.loads(out.read_text())

    return run
