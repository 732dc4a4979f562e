import itertools

import pytest

from mpafer_plugin.prompts.generation import Chat, ServerError, client
from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    answer_format,
)
from tests.chat_server import GOOD, answer, chat

QUESTION = [{'role': 'user', 'content': 'What does fear look like?'}]


def test_question_and_answer(server):
    assert Chat(server.url, 'small').ask(QUESTION) == GOOD
    (request,) = server.requests
    assert request['body'] == {'model': 'small', 'messages': QUESTION}
    assert request['headers']['Authorization'] == 'Bearer none'


def test_retry_after_is_waited_for(server):
    server.script = [dict(status=429, headers={'Retry-After': '1.2'})]
    assert Chat(server.url, 'm').ask(QUESTION) == GOOD
    first, second = (request['time'] for request in server.requests)
    # without the header it would be 0.5 s at most
    assert 1.2 <= second - first < 3


def test_back_off_grows(server):
    server.script = [dict(status=500), dict(status=503)]
    assert Chat(server.url, 'm').ask(QUESTION) == GOOD
    times = [request['time'] for request in server.requests]
    first, second = (b - a for a, b in itertools.pairwise(times))
    assert 0.3 < first < 0.75 < second < 2


def test_it_gives_up(server):
    server.script = [dict(status=500, body='out of memory')] * 3
    with pytest.raises(ServerError, match="status 500: 'out of memory'"):
        Chat(server.url, 'm', retries=1).ask(QUESTION)
    assert len(server.requests) == 2


def test_a_long_retry_after_is_told(server):
    server.script = [dict(status=429, headers={'Retry-After': '3600'})]
    with pytest.raises(ServerError, match='status 429, Retry-After: 3600'):
        Chat(server.url, 'm').ask(QUESTION)


def test_slow(server):
    server.script = [dict(wait=1.5)]
    with pytest.raises(ServerError, match=r'no answer within 0\.2 s'):
        Chat(server.url, 'm', timeout=0.2, retries=0).ask(QUESTION)
    # once more, and it is quick
    server.script = [dict(wait=1.5)]
    slow = Chat(server.url, 'm', timeout=0.5, retries=1)
    assert slow.ask(QUESTION) == GOOD


@pytest.mark.parametrize(
    'body',
    [
        '{"choices": [',
        '<html>a proxy</html>',
        '{"error": "busy"}',
        '{"choices": []}',
        '{"choices": [{"message": {"content": ["a", "b"]}}]}',
        '{"choices": [{"message": "wide eyes"}]}',
        '[]',
        'null',
        '[' * 100_000,
    ],
)
def test_malformed(server, body):
    server.script = [dict(body=body)]
    with pytest.raises(ServerError, match='not a chat completion'):
        Chat(server.url, 'm', retries=0).ask(QUESTION)


def test_a_reply_that_is_too_long(server, monkeypatch):
    monkeypatch.setattr(client, 'MAX_REPLY', 10)
    server.script = [GOOD]
    with pytest.raises(ServerError, match='not a chat completion'):
        Chat(server.url, 'm', retries=0).ask(QUESTION)


def test_malformed_once(server):
    server.script = [dict(body='{"choices": [')] * 2
    assert Chat(server.url, 'm', retries=2).ask(QUESTION) == GOOD
    times = [request['time'] for request in server.requests]
    first, second = (b - a for a, b in itertools.pairwise(times))
    assert 0.3 < first < 0.75 < second < 2  # the client's own


def test_one_budget_of_retries_for_all_failures(server):
    malformed = dict(body='{}')
    server.script = [malformed, dict(status=500), malformed, malformed]
    with pytest.raises(ServerError, match='not a chat completion'):
        Chat(server.url, 'm', retries=2).ask(QUESTION)
    assert len(server.requests) == 3


def test_parts_of_text_are_joined(server):
    parts = [{'type': 'text', 'text': t} for t in ('raised ', 'brows')]
    server.script = [dict(body=chat([*parts, {'type': 'image'}]))]
    assert Chat(server.url, 'm').ask(QUESTION) == 'raised brows'


def test_404_tells_where_the_protocol_begins(server):
    server.script = [dict(status=404, body='not here')]
    with pytest.raises(ServerError, match=r"/v1\): 'not here'"):
        Chat(server.url, 'm').ask(QUESTION)


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (
            chat(message={'reasoning_content': 'brows'}),
            'nothing but reasoning .reasoning_content.',
        ),
        (chat('wide ey', finish_reason='length'), "cut the answer off: 'wide"),
        (chat('', finish_reason='content_filter'), "is a refusal: ''"),
        (
            chat(message={'content': None, 'refusal': 'No faces.'}),
            "is a refusal: 'No faces.'",
        ),
    ],
)
def test_withheld(server, body, message):
    server.script = [dict(body=body)]
    with pytest.raises(UnusableAnswer, match=message):
        Chat(server.url, 'm').ask(QUESTION)


def test_no_content_is_an_empty_answer(server):
    server.script = [dict(body=chat(None))]
    assert Chat(server.url, 'm').ask(QUESTION) == ''


def test_nobody_there(server):
    server.shutdown()
    server.server_close()
    address = server.url.replace('//', '//user:password@')
    with pytest.raises(ServerError, match=r'no conn.*refused') as error:
        Chat(address, 'm', retries=0).ask(QUESTION)
    assert server.url in str(error.value)
    assert 'password' not in str(error.value)


@pytest.mark.parametrize(
    'address',
    ['localhost:8000', 'ftp://x', 'http://', 'http://u:pw@x:y', ''],
)
def test_wrong_address(address):
    with pytest.raises(ValueError, match=r'must be like .* not') as error:
        Chat(address, 'm')
    assert 'pw' not in str(error.value)


@pytest.mark.parametrize(
    'address', ['http://u:pw@\u2026.x/v1', 'http://u:pw@localhost\x07/v1']
)
def test_an_address_that_the_client_refuses(address):
    with pytest.raises(ValueError, match='Invalid') as error:
        Chat(address, 'm')
    assert 'pw' not in str(error.value)


def test_without_openai(no_openai):
    with pytest.raises(ImportError, match="pip install 'openai>=3,<4'"):
        Chat('http://localhost/v1', 'm')


FORM = answer_format(1)
ASKED = [{'role': 'user', 'content': 'As JSON: what does fear look like?'}]


def test_the_schema_is_sent(server):
    assert Chat(server.url, 'm').ask(ASKED, FORM) == answer(GOOD)
    assert server.requests[0]['body']['response_format'] == FORM


@pytest.mark.parametrize(
    ('status', 'body'),
    [
        (
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is "
            'not supported with this model.',
        ),
        (400, 'This response_format type is unavailable now'),
        (422, '{"detail": [{"loc": ["body", "response_format"]}]}'),
        (400, 'The provided JSON schema has unsupported features'),
        (400, 'failed to parse grammar'),
    ],
)
def test_a_server_without_schemas(server, status, body):
    server.without_format = dict(status=status, body=body)
    client = Chat(server.url, 'm')
    for _ in range(2):
        assert answer(GOOD) in client.ask(ASKED, FORM)
    # it is tried once only
    sent = ['response_format' in r['body'] for r in server.requests]
    assert sent == [True, False, False]


@pytest.mark.parametrize(
    ('status', 'body'),
    [(400, 'no such model'), (401, 'no key, no response_format')],
)
def test_other_errors_are_not_of_the_schema(server, status, body):
    server.without_format = dict(status=status, body=body)
    with pytest.raises(ServerError, match=f"status {status}.*: '{body}'"):
        Chat(server.url, 'm').ask(ASKED, FORM)
    assert len(server.requests) == 1
