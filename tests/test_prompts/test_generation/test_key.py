"""The key, and what else of the environment the server may see."""

import json
import logging

import pytest

from mpafer_plugin.prompts.generation import Chat, ServerError
from mpafer_plugin.prompts.generation.answers import UnusableAnswer
from tests.chat_server import GOOD, chat

KEY = 'sk-not-to-be-seen-0123456789'
QUESTION = [{'role': 'user', 'content': 'What does fear look like?'}]


def test_the_key_is_sent_and_never_told(server, monkeypatch, caplog, capfd):
    monkeypatch.setenv('OPENAI_API_KEY', f'{KEY}\n')  # as `cat` gives it
    caplog.set_level(logging.DEBUG)
    echo = f'you sent {KEY}'
    server.script = [
        dict(status=401, body=echo),
        dict(body=echo),
    ]
    asking = Chat(server.url, 'm', retries=0)
    told = []
    for _ in range(2):
        with pytest.raises(ServerError) as error:
            asking.ask(QUESTION)
        told.append(str(error.value))
    assert all('you sent [OPENAI_API_KEY]' in text for text in told)
    assert 'status 401' in told[0] and '(OPENAI_API_KEY is set)' in told[0]
    assert KEY not in ''.join([*told, caplog.text, *capfd.readouterr()])
    sent = [request['headers']['Authorization'] for request in server.requests]
    assert sent == [f'Bearer {KEY}'] * 2


@pytest.mark.parametrize(
    'body', [chat('{}'), chat(message={'content': '', 'refusal': '{}'})]
)
def test_an_answer_with_the_key_is_of_no_use(server, monkeypatch, body):
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-a/"b\\c')
    held = json.dumps('brows, sk-a/"b\\c')[1:-1].replace('/', r'\/')
    server.script = [dict(body=body.replace('{}', held, 1))]
    with pytest.raises(UnusableAnswer) as error:
        Chat(server.url, 'm').ask(QUESTION)
    assert str(error.value) == "the answer contains OPENAI_API_KEY: ''"


def test_a_short_key_changes_no_answer(server, monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', 'brows')
    assert Chat(server.url, 'm').ask(QUESTION) == GOOD


@pytest.mark.parametrize(
    'sent',
    [
        'sk-a/"b\\c',
        r'sk-a\/\"b\\c',
        r'\u0073k-a\u002F\u0022b\u005cc',
    ],
)
def test_the_key_is_never_told_in_an_escaped_form(server, monkeypatch, sent):
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-a/"b\\c')
    server.script = [dict(status=400, body=f'you sent {sent}!')]
    with pytest.raises(ServerError, match=r"'you sent \[OPENAI_API_KEY\]!'"):
        Chat(server.url, 'm').ask(QUESTION)


def test_no_organisation_is_sent(server, monkeypatch):
    monkeypatch.setenv('OPENAI_ORG_ID', 'org-mine')
    monkeypatch.setenv('OPENAI_PROJECT_ID', 'proj-mine')
    Chat(server.url, 'm').ask(QUESTION)
    names = {name.lower() for name in server.requests[0]['headers']}
    assert not names & {'openai-organization', 'openai-project'}


def test_a_key_that_is_no_key(monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-\u2026secret')
    with pytest.raises(ValueError, match='OPENAI_API_KEY holds') as error:
        Chat('http://localhost/v1', 'm')
    assert 'secret' not in str(error.value)
