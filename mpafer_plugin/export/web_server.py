"""Server of the page, for this machine alone."""

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

ISOLATION = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
}
"""Headers without which a browser gives the page one thread only."""


def content_security_policy() -> str:
    """Return the policy that the page states, for its worker too."""
    page = (files(__package__) / 'web' / 'index.html').read_text('utf-8')
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert found is not None
    return found[1]


class PageServer(ThreadingHTTPServer):
    """Server of a folder at ``http://localhost:PORT``.

    Args:
        folder (Path): The folder.
        port (int): The port; 0 for any that is free.

    Raises:
        OSError: If the port is in use.
    """

    def __init__(self, folder: Path, port: int):
        handler = partial(_Handler, directory=str(folder))
        super().__init__(('127.0.0.1', port), handler)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f'http://localhost:{self.server_port}/'


class _Handler(SimpleHTTPRequestHandler):
    # The system may have other types, with which nothing would load.
    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        '.js': 'text/javascript',
        '.mjs': 'text/javascript',
        '.wasm': 'application/wasm',
    }

    def end_headers(self) -> None:
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        self.send_header('Content-Security-Policy', content_security_policy())
        self.send_header('Cache-Control', 'no-cache')  # of an export before
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass
