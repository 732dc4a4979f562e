"""A server with OpenAI's chat protocol that fails on request."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = 'raised brows, wide eyes and a dropped jaw'


def chat(content=GOOD, **choice):
    """Body of a chat completion."""
    message = {'role': 'assistant', 'content': content}
    choice = {'index': 0, 'finish_reason': 'stop', 'message': message} | choice
    return json.dumps({'id': '1', 'object': 'chat', 'choices': [choice]})


def answer(text):
    """Descriptions, one a line, in the form that is asked for."""
    return json.dumps({'descriptions': text.split('\n')})


class ChatServer(ThreadingHTTPServer):
    """A server that sends the replies of its script, then good ones.

    A reply is a text with a description a line, sent as JSON where JSON is
    asked for, or a dict of ``status``, ``headers``, ``body`` and ``wait``,
    the seconds that it takes.

    Attributes:
        script (list): Replies to come.
        requests (list[dict]): Past requests: ``time``, ``headers``, ``body``
            and ``asked``, the last message.
        without_format (dict, optional): Reply to every request with a
            ``response_format``, which then takes nothing from the script;
            answers get a remark and a code fence. Defaults to None.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.script, self.requests = [], []
        self.without_format = None
        self.url = f'http://127.0.0.1:{self.server_port}/v1'

    @property
    def questions(self):
        return [request['asked'] for request in self.requests]

    def __enter__(self):
        threading.Thread(
            target=self.serve_forever, args=(0.01,), daemon=True
        ).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Ignore clients that hung up, as some tests let them."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        length = int(self.headers['Content-Length'])
        body = json.loads(self.rfile.read(length))
        assert self.path == '/v1/chat/completions'
        self.server.requests.append(
            dict(
                time=time.monotonic(),
                headers=self.headers,
                body=body,
                asked=body['messages'][-1]['content'],
            )
        )
        script, refused = self.server.script, self.server.without_format
        if refused and 'response_format' in body:
            reply = refused
        else:
            reply = script.pop(0) if script else GOOD
        if isinstance(reply, str):
            if reply and 'JSON' in json.dumps(body['messages']):
                reply = answer(reply)
                if refused:
                    reply = f'Sure!\n```json\n{reply}\n```'
            reply = dict(body=chat(reply))
        time.sleep(reply.get('wait', 0))
        content = reply.get('body', chat()).encode()
        self.send_response(reply.get('status', 200))
        for name, value in reply.get('headers', {}).items():
            self.send_header(name, value)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Log nothing."""
