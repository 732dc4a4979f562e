import shutil

import cv2
import pytest

from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.folded_classifier import FoldedClassifier
from mpafer_plugin.export.folder import write_folder
from mpafer_plugin.export.onnx_file import save as save_onnx
from mpafer_plugin.export.onnx_file import to_onnx
from mpafer_plugin.export.session import Session
from mpafer_plugin.export.web_page import WebPage
from mpafer_plugin.export.web_runtime import read_runtime
from mpafer_plugin.export.web_server import PageServer
from tests.test_apis.conftest import face_tiny, save  # noqa: F401
from tests.test_datasets.conftest import log  # noqa: F401
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401
from tests.videos import motion_jpeg

from .pages import served

CHROMIUM = ('chromium', 'chromium-browser', 'google-chrome')


@pytest.fixture(scope='session')
def exported(face_tiny, yunet_file, tmp_path_factory):  # noqa: F811
    """Folder of a model on face-tiny, as `mpafer export` writes it."""
    folder = tmp_path_factory.mktemp('exported')
    loaded = load_model(face_tiny, device='cpu')
    meta = describe(loaded, None, patches=True)
    module = FoldedClassifier(loaded.model, patches=True)
    model = to_onnx(module, meta.input['size'], patches=True)
    save_onnx(model, meta, folder / 'model.onnx')
    write_folder(folder, yunet_file)
    return folder


@pytest.fixture(scope='session')
def inputs(canvas, tmp_path_factory):  # noqa: F811
    """Folder of images, one of them broken, and a video of six frames."""
    root = tmp_path_factory.mktemp('inputs')
    below = root / 'images' / 'below'
    below.mkdir(parents=True)
    image, _ = canvas
    cv2.imwrite(str(root / 'images' / 'six.jpg'), image)
    cv2.imwrite(str(below / 'three.png'), image[:340])
    cv2.imwrite(str(below / 'empty.bmp'), image[:20, :20])
    (below / 'bad.jpg').write_bytes(b'no image')
    frames = [image[:480, 20 * i : 20 * i + 640] for i in range(6)]
    motion_jpeg(root / 'video.avi', frames, 10)
    return root


@pytest.fixture(scope='session')
def runtime(tmp_path_factory):
    """Folder of the package onnxruntime-web, fetched by npm."""
    try:
        content = read_runtime()
    except ConnectionError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp('onnxruntime-web')
    (folder / 'package.json').write_text('{"version": "1.30.0"}')
    (folder / 'dist').mkdir()
    for name, part in content.items():
        (folder / 'dist' / name).write_bytes(part)
    return folder


@pytest.fixture(scope='session')
def site(exported, runtime, yunet_file, tmp_path_factory):  # noqa: F811
    """Folder of the page of a model on face-tiny, and the model."""
    folder = tmp_path_factory.mktemp('site')
    shutil.copy(exported / 'model.onnx', folder)
    meta = Session(folder / 'model.onnx').meta
    WebPage(meta, runtime, yunet_file).write(folder, meta)
    return folder


@pytest.fixture(scope='session')
def film(canvas, tmp_path_factory):  # noqa: F811
    """Raw video of six real faces that stand still, 640 x 480 pixels."""
    image = cv2.resize(canvas[0], (640, 480), interpolation=cv2.INTER_AREA)
    frame = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    path = tmp_path_factory.mktemp('film') / 'film.y4m'
    head = b'YUV4MPEG2 W640 H480 F20:1 Ip A1:1 C420\n'
    path.write_bytes(head + 4 * (b'FRAME\n' + frame.tobytes()))
    return path


@pytest.fixture(scope='module')
def browser(film):
    """Chromium without a window, whose camera shows the film."""
    playwright = pytest.importorskip('playwright.sync_api')
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(f'none of {", ".join(CHROMIUM)} is installed')
    arguments = [
        '--no-sandbox',  # as root it has none
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        '--enable-unsafe-webgpu',
        '--use-webgpu-adapter=swiftshader',
        f'--use-file-for-fake-video-capture={film}',
    ]
    with (
        playwright.sync_playwright() as started,
        started.chromium.launch(executable_path=path, args=arguments) as found,
    ):
        yield found


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
        page.set_default_timeout(120_000)
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
