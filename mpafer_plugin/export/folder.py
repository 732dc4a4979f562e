"""A folder that predicts without torch and without this package."""

import logging
import shutil
from pathlib import Path

from ..faces.yunet_weights import YUNET_NAME, find_yunet
from ..version import __version__

logger = logging.getLogger(__name__)

PACKAGE = 'mpafer'
"""Name of the package in the folder."""

MODULES = (
    'apis/face_pipeline.py',
    'apis/face_predictor.py',
    'apis/face_smoother.py',
    'apis/face_stream.py',
    'apis/fer_results.py',
    'apis/frames.py',
    'apis/image_folder.py',
    'apis/predict_options.py',
    'export/metadata.py',
    'export/session.py',
    'export/standalone/command.py',
    'export/standalone/images.py',
    'export/standalone/inferencer.py',
    'faces/alignment.py',
    'faces/face.py',
    'faces/face_crop.py',
    'faces/yunet.py',
    'faces/yunet_trial.py',
    'faces/yunet_weights.py',
    'utils/atomic_write.py',
    'utils/cpu_count.py',
    'utils/hashing.py',
    'utils/image_files.py',
    'utils/numbers.py',
    'utils/quoting.py',
)
"""Modules that are copied. They import the standard library, numpy, OpenCV,
onnxruntime, and each other by relative imports."""

SCRIPT = f"""\
import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(f'predict.py needs Python 3.11 or newer: {{sys.executable}}')

# Read when OpenCV is imported: pixels of an image at most, as of Pillow.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', '178956970')

from {PACKAGE}.export.standalone.command import main

if __name__ == '__main__':
    sys.exit(main(Path(__file__).with_name('model.onnx')))
"""


def write_folder(out: Path, face_model: str | Path | None = None) -> None:
    """Write ``predict.py`` and what it needs beside a ``model.onnx``.

    It needs numpy, OpenCV and onnxruntime alone: the modules of this package
    that it uses are copied, and so are the weights of YuNet, which are
    downloaded if need be. Files of the same names are overwritten.

    Args:
        out (Path): The folder.
        face_model (str | Path, optional): See :func:`find_yunet`. Defaults to
            None, where the folder may lack the weights, with a warning.

    Raises:
        FileNotFoundError: If ``face_model`` does not exist.
    """
    source, package = Path(__file__).parents[1], out / PACKAGE
    for module in MODULES:
        target = package / module
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / module, target)
        (target.parent / '__init__.py').touch()
    (package / 'export' / '__init__.py').touch()
    (package / '__init__.py').write_text(
        f'"""Part of mpafer_plugin {__version__}, Apache License 2.0."""\n'
    )
    (out / 'predict.py').write_text(SCRIPT)
    try:
        weights, _ = find_yunet(face_model)
        shutil.copyfile(weights, out / YUNET_NAME)
    except (FileNotFoundError, ConnectionError) as error:
        if face_model:
            raise
        logger.warning(
            f'{out} is without the face detector, which predict.py then needs '
            f'by --face-model FILE: {error}'
        )
