"""A server that speaks OpenAI's chat protocol, and misbehaves on request."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = 'raised brows, wide eyes and a dropped jaw'


def chat(content=GOOD, **choice):
    """Body of a reply that says something."""
    message = {'role': 'assistant', 'content': content}
    choice = {'index': 0, 'finish_reason': 'stop', 'message': message} | choice
    return json.dumps({'id': '1', 'object': 'chat', 'choices': [choice]})


class ChatServer(ThreadingHTTPServer):
    """It gives the replies of its script, then good ones for ever.

    A reply is a text to say, or a dict of ``status``, ``headers``, ``body``
    and ``wait``, the seconds that it takes.

    Attributes:
        script (list): Replies to come.
        requests (list[dict]): What came in: ``time``, ``headers``, ``body``,
            ``asked``, the last message.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.script, self.requests = [], []
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
        """A client that hung up is what some tests want."""


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
        script = self.server.script
        reply = script.pop(0) if script else GOOD
        if isinstance(reply, str):
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
        """Say nothing."""
