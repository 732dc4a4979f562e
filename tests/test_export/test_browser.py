"""The page in a real browser."""

import csv
import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.cli.export import main
from mpafer_plugin.export.web_server import PageServer
from tests.test_apis.conftest import save  # noqa: F401

from .conftest import served

# Playwright leaves an event loop to a process: one has all of these tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser')]


@pytest.fixture(scope='module')
def address(site):
    with served(PageServer(site, 0)) as address:
        yield address


@pytest.fixture
def visit(browser, address):
    """Function that opens the page and waits for its model.

    Neither may the console have errors, nor another host be asked.
    """
    complaints, contexts = [], []

    def visit(url=address, ready=True, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on(
            'console',
            lambda entry: (
                complaints.append(entry.text)
                if entry.type in ('error', 'warning')
                else None
            ),
        )
        page.on('pageerror', lambda error: complaints.append(str(error)))
        page.on(
            'request',
            lambda request: (
                None
                if request.url.startswith(url.partition('?')[0])
                else complaints.append(request.url)
            ),
        )
        page.complaints = complaints
        page.goto(url)
        if ready:
            page.locator('#open').wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def expected(face_tiny, yunet_file):
    return FERInferencer(face_tiny, face_model=yunet_file, dtype='float32')


def answers(page, count):
    """Wait for as many cards."""
    page.locator('.card[aria-busy=false]').nth(count - 1).wait_for()


def saved(page, button):
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.path()


def compare(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a['bbox'], b['bbox'], atol=0.01)
        np.testing.assert_allclose(a['landmarks'], b['landmarks'], atol=0.01)
        assert a['face_score'] == pytest.approx(b['face_score'], abs=1e-4)
        np.testing.assert_allclose(
            a['pred_scores'], b['pred_scores'], atol=2e-3
        )
        assert a['pred_class'] == b['pred_class']
        assert list(a['probs']) == list(b['probs'])


def test_the_page_loads(visit, site):
    page = visit()
    assert 'CPU' in page.inner_text('#status')
    assert page.evaluate('crossOriginIsolated')
    assert page.locator('#examples img').count() == 7
    width = 'document.documentElement.scrollWidth'
    assert page.evaluate(width) <= page.viewport_size['width']
    assert 'not known' in page.inner_text('#facts')  # the face crop


def test_six_faces(visit, expected, canvas, tmp_path):
    """Boxes, probabilities, JSON and CSV are those of FERInferencer."""
    path = tmp_path / 'six, faces.png'
    cv2.imwrite(str(path), canvas[0])
    page = visit()
    page.set_input_files('#files', path)
    answers(page, 1)
    wanted = expected(str(path))
    (image,) = json.loads(saved(page, '#json').read_text('utf-8'))
    assert image['path'] == path.name
    assert len(wanted[0]) == 6
    compare(image['faces'], wanted[0])
    wanted.to_csv(tmp_path / 'wanted.csv')
    with (
        saved(page, '#csv').open(newline='') as found,
        (tmp_path / 'wanted.csv').open(newline='') as other,
    ):
        rows, others = list(csv.DictReader(found)), list(csv.DictReader(other))
    assert list(rows[0]) == list(others[0])  # columns
    assert rows[0]['path'] == path.name
    for name in ('face', 'x1', 'nose_y', 'face_score', 'prob_fear'):
        values = [[float(row[name]) for row in x] for x in (rows, others)]
        np.testing.assert_allclose(*values, atol=0.01)
    tags = page.locator('.tag').all_inner_texts()
    assert tags[5] == f'6 {wanted[0][5]["pred_class"]}'


@pytest.mark.parametrize(
    'size, orientation', [((2700, 2100), 1), ((500, 389), 6), ((150, 117), 1)]
)
def test_sizes(visit, expected, canvas, tmp_path, size, orientation):
    image = Image.fromarray(canvas[0][..., ::-1]).resize(size)
    image = image.rotate(90 if orientation == 6 else 0, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'image.png', exif=exif)
    page = visit()
    page.set_input_files('#files', tmp_path / 'image.png')
    answers(page, 1)
    (found,) = json.loads(saved(page, '#json').read_text())
    wanted = expected(str(tmp_path / 'image.png'))[0]
    assert len(wanted) > 2
    compare(found['faces'], wanted)


def test_whole_images(visit, face_tiny, site):
    """Examples, and images without detection, are a face as a whole."""
    path = str(site / 'examples' / 'fear.jpg')
    page = visit()
    page.locator('#examples button').nth(4).click()
    answers(page, 1)
    page.locator('#find').uncheck()
    page.set_input_files('#files', path)
    answers(page, 2)
    example, file = json.loads(saved(page, '#json').read_text())
    (face,) = file['faces']
    assert [face] == example['faces']
    assert face['face_score'] is None and face['landmarks'] is None
    whole = FERInferencer(face_tiny, face='none', dtype='float32')
    ((wanted,),) = whole(path)
    assert face['bbox'] == wanted['bbox']
    np.testing.assert_allclose(
        face['pred_scores'], wanted['pred_scores'], atol=2e-3
    )


def test_deciding_patches(visit, expected, canvas, tmp_path):
    """They stay bright while the face's box has the focus."""
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), canvas[0])
    page = visit()
    page.set_input_files('#files', path)
    answers(page, 1)
    page.locator('.box').nth(0).focus()
    page.keyboard.press('Tab')
    assert page.locator('.face.current').inner_text().startswith('2 ')
    explained = expected.explain(str(path))[1]
    chosen = explained.explanation.chosen[0].numpy()
    rows, columns = chosen.shape
    side = explained.size[0]
    crop = (np.mgrid[:rows, :columns] + 0.5)[::-1] * side / rows - 0.5
    back = cv2.invertAffineTransform(explained.matrix)
    x, y = np.einsum('ij,jkl', back[:, :2], crop) + back[:, 2, None, None]
    alpha = page.evaluate(
        """points => {
          const canvas = document.querySelector('.patches');
          const {width, data} = canvas.getContext('2d').getImageData(
            0, 0, canvas.width, canvas.height,
          );
          return points.map(([x, y]) => (
            data[4 * (Math.round(y) * width + Math.round(x)) + 3] ?? 0
          ));
        }""",
        np.stack([x.ravel(), y.ravel()], 1).tolist(),
    )
    dark = np.reshape(alpha, chosen.shape) > 0
    inside = (x > 0) & (y > 0) & (x < 899) & (y < 699)
    np.testing.assert_array_equal(dark[inside], ~chosen[inside])
    page.locator('#open').focus()
    assert page.locator('.face.current').count() == 0


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
    page.wait_for_timeout(1000)
    assert 'frames/s' in page.inner_text('.facts')
    width = 'document.documentElement.scrollWidth'
    assert page.evaluate(width) == 390
    page.locator('#camera').click()
    page.get_by_text('The camera is off').wait_for()
    frames = json.loads(saved(page, '#json').read_text())
    assert len(frames) > 2
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


def test_webgpu(visit, address, face_tiny, site):
    """In software, which the page takes only if told to."""
    page = visit(f'{address}?device=webgpu')
    if 'WebGPU.' not in page.inner_text('#status'):
        pytest.skip(page.inner_text('#status'))
    page.locator('#examples button').first.click()
    answers(page, 1)
    ((face,),) = (
        x['faces'] for x in json.loads(saved(page, '#json').read_text())
    )
    whole = FERInferencer(face_tiny, face='none', dtype='float32')
    ((wanted,),) = whole(str(site / 'examples' / 'neutral.jpg'))
    np.testing.assert_allclose(
        face['pred_scores'], wanted['pred_scores'], atol=2e-3
    )


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


def test_the_command(visit, save, face_tiny, runtime, yunet_file, tmp_path):  # noqa: F811
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
