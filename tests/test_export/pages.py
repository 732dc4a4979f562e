"""Pages that are served, and open in a browser."""

import threading
from contextlib import contextmanager


@contextmanager
def served(server):
    """Serve in a thread; yields the address."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f'http://localhost:{server.server_port}/'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answers(page, count):
    """Wait for as many cards."""
    page.locator('.card[aria-busy=false]').nth(count - 1).wait_for()


def saved(page, button):
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.path()
