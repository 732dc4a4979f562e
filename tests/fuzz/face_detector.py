"""Face detectors: OpenCV ends the interpreter for some of them."""

from pathlib import Path

import numpy as np

from mpafer_plugin.faces import YuNet
from tests.test_faces.conftest import MODEL

from .files import byte_file
from .harness import Target


def valid() -> bytes:
    return MODEL.read_bytes() if MODEL.is_file() else b'\x08\x07\x12\x00'


def read(path: Path) -> None:
    rng = np.random.default_rng(0)
    detector = YuNet(path)
    for shape in ((90, 300, 3), (400, 400, 3)):
        detector.detect(rng.integers(0, 256, shape, dtype=np.uint8))


TARGETS = [
    Target(
        'face_detector',
        byte_file('fuzzed.onnx', valid),
        read,
        cases=10,  # each is a process of its own
    )
]
