"""Inputs, servers and messages of the page in a real browser."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import pytest

from mpafer_plugin.cli.export import main
from mpafer_plugin.export.web_server import PageServer

from .pages import answers, saved, served

# Playwright leaves an event loop to a process: one has all of these tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser')]


@pytest.mark.parametrize('kind', ['drop', 'paste'])
def test_drop_and_paste(visit, canvas, kind):
    content = cv2.imencode('.png', canvas[0])[1].tobytes()
    page = visit()
    page.evaluate(
        """([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], 'a.png'));
          const name = kind === 'drop' ? 'dataTransfer' : 'clipboardData';
          const Kind = kind === 'drop' ? DragEvent : ClipboardEvent;
          const event = new Kind(kind, {[name]: data, bubbles: true});
          document.body.dispatchEvent(event);
        }""",
        [kind, list(content)],
    )
    answers(page, 1)
    assert '6 faces' in page.inner_text('.facts')
    assert page.inner_text('h3') == 'a.png'


def test_broken_files(visit, canvas, tmp_path):
    """A message names the file, and the next one is analysed."""
    good, broken = tmp_path / 'good.png', tmp_path / 'broken.png'
    cv2.imwrite(str(good), canvas[0])
    broken.write_bytes(good.read_bytes()[:100])
    page = visit()
    page.set_input_files('#files', [broken, good])
    answers(page, 1)
    assert 'broken.png' in page.inner_text('#errors')
    assert len(json.loads(saved(page, '#json').read_text())) == 1
    page.locator('#errors button').click()
    assert page.inner_text('#errors') == ''


def test_camera(visit):
    page = visit(viewport=dict(width=390, height=844))  # a phone
    page.locator('#camera').click()
    page.locator('.timeline').nth(5).wait_for()
    for _ in range(60):  # a busy machine is slow
        page.wait_for_timeout(1000)
        if len(json.loads(saved(page, '#json').read_text())) > 3:
            break
    assert 'frames/s' in page.inner_text('.facts')
    width = 'document.documentElement.scrollWidth'
    assert page.evaluate(width) == 390
    page.locator('#camera').click()
    page.get_by_text('The camera is off').wait_for()
    frames = json.loads(saved(page, '#json').read_text())
    assert len(frames) > 3
    assert [image['frame'] for image in frames] == list(range(len(frames)))
    times = [image['time'] for image in frames]
    assert times == sorted(times)
    assert frames[-1]['path'] is None and len(frames[-1]['faces']) == 6


def test_an_image_beside_the_camera(visit, canvas, tmp_path):
    cv2.imwrite(str(tmp_path / 'image.png'), canvas[0])
    page = visit()
    page.locator('#camera').click()
    page.locator('.timeline').first.wait_for()
    page.set_input_files('#files', tmp_path / 'image.png')
    page.get_by_text('image.png: 6 faces').wait_for()
    page.locator('#clear').click()
    page.get_by_text('The camera is off').wait_for()
    assert page.locator('.card').count() == 0
    page.locator('#examples button').first.click()
    answers(page, 1)
    assert len(json.loads(saved(page, '#json').read_text())) == 1


def test_a_static_server(visit, site):
    """Without the headers there is one thread; all else is the same."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    handler.func.log_message = lambda *args: None
    with served(ThreadingHTTPServer(('127.0.0.1', 0), handler)) as address:
        page = visit(address)
        assert '1 thread' in page.inner_text('#status')
        page.locator('#examples button').first.click()
        answers(page, 1)


def test_a_model_that_is_missing(visit, site):
    page = visit(ready=False)
    page.route('**/model.onnx', lambda route: route.fulfill(status=404))
    page.reload()
    page.locator('#errors li').wait_for()
    assert 'model.onnx: 404' in page.inner_text('#errors')
    page.complaints.clear()  # some browsers print the 404 too


def test_the_command(visit, save, face_tiny, runtime, yunet_file, tmp_path):
    checkpoint = save(face_tiny)
    options = ['--onnxruntime-web', runtime, '--face-model', yunet_file]
    out = tmp_path / 'out'
    code = main(
        [str(x) for x in (checkpoint, '--web', '--out', out, *options)]
    )
    assert code == 0
    with served(PageServer(out, 0)) as address:
        page = visit(address)
        assert 'model.pth' in page.inner_text('#facts')
        page.locator('#examples button').first.click()
        answers(page, 1)
