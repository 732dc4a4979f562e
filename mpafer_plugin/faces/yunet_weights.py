import logging
import os
from pathlib import Path
from urllib.request import urlopen

from ..utils.atomic_write import atomic_write
from ..utils.hashing import sha256

logger = logging.getLogger(__name__)

YUNET_DIGEST = (
    '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4'
)
"""SHA-256 of the model that OpenCV's model zoo publishes."""

YUNET_NAME = 'face_detection_yunet_2023mar.onnx'

YUNET_URL = (
    'https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/'
    f'face_detection_yunet/{YUNET_NAME}'
)

TIMEOUT = 20
"""Timeout of the download in seconds."""


def find_yunet(model: str | Path | None = None) -> tuple[Path, str]:
    """Find the weights of the face detector, or download them.

    In this order: ``model``; the file in the environment variable
    ``MPAFER_YUNET``; the file in torch's cache, ``$TORCH_HOME/hub/yunet/``
    (by default below ``~/.cache/torch``), downloaded from OpenCV's model zoo
    (0.2 MB) if missing. A download must have :data:`YUNET_DIGEST`.

    A named file may have another digest, since it may be another version: it
    is used with a warning, and its digest becomes part of the crop config.

    Args:
        model (str | Path, optional): A local file. Defaults to None.

    Returns:
        tuple[Path, str]: The file and its SHA-256.

    Raises:
        FileNotFoundError: If the named file does not exist.
        ConnectionError: If the download fails; the message lists remedies.
    """
    named = model or os.environ.get('MPAFER_YUNET')
    if not named:
        return _cached_weights(), YUNET_DIGEST
    path = Path(os.path.expanduser(named))
    if not os.path.isfile(path):
        origin = 'face detector' if model else 'MPAFER_YUNET'
        raise FileNotFoundError(
            f'{origin}: no file {str(named)!r} (working directory: '
            f'{os.getcwd()!r})'
        )
    digest = sha256(path)
    if digest != YUNET_DIGEST:
        logger.warning(
            f'face detector: {str(path)!r} has the SHA-256 {digest}, the '
            f'published {YUNET_NAME} has {YUNET_DIGEST}: faces may be found '
            'and turned differently'
        )
    return path, digest


def _cached_weights() -> Path:
    """Return the cached weights, downloaded if missing or damaged."""
    cache = os.environ.get('XDG_CACHE_HOME', '~/.cache')
    home = os.environ.get('TORCH_HOME', f'{cache}/torch')
    path = Path(os.path.expanduser(home), 'hub', 'yunet', YUNET_NAME)
    if path.is_file():
        digest = sha256(path)
        if digest == YUNET_DIGEST:
            return path
        logger.warning(
            f'face detector: {str(path)!r} is damaged (SHA-256 {digest}) and '
            'is downloaded again'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            # Some firewalls drop connections silently.
            urlopen(YUNET_URL, timeout=TIMEOUT) as answer,
            atomic_write(path) as part,
        ):
            part.write_bytes(answer.read())
            if (digest := sha256(part)) != YUNET_DIGEST:  # of a login page
                raise OSError(
                    f'the file has the SHA-256 {digest}, not {YUNET_DIGEST}'
                )
    except OSError as error:
        raise ConnectionError(
            f'the face detector cannot be downloaded from {YUNET_URL}: '
            f'{error}. Do one of these: (1) download it with a browser and '
            f'put it at {str(path)!r}; (2) set MPAFER_YUNET to where it is; '
            '(3) name the file: --face-model FILE, or YuNet(model=FILE) in '
            'Python. Images that are face crops need none: --face none, or '
            "face='none' in Python"
        ) from error
    return path
