import shutil
import threading
from contextlib import contextmanager

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
from tests.test_apis.conftest import face_tiny, save  # noqa: F401
from tests.test_datasets.conftest import log  # noqa: F401
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401
from tests.videos import motion_jpeg

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
