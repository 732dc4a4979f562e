"""A classifier as ``model.onnx`` in one of three precisions."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .folded_classifier import FoldedClassifier
from .metadata import ExportMeta
from .onnx_file import save, to_onnx
from .quantization import quantize

PRECISIONS = ('float32', 'float16', 'int8')


def write_model(
    module: FoldedClassifier, meta: ExportMeta, path: Path
) -> None:
    """Write a classifier in float32 or float16, as ``meta`` says.

    Args:
        module (FoldedClassifier): The classifier.
        meta (ExportMeta): Its description.
        path (Path): The file.
    """
    if meta.precision == 'float16':
        module = module.in_float16()
    model = to_onnx(module, meta.input['size'], meta.grid is not None)
    save(model, meta, path)


def write_int8(
    float32: Path, faces: np.ndarray, meta: ExportMeta, path: Path
) -> None:
    """Write a model in int8.

    Args:
        float32 (Path): The model in float32.
        faces (np.ndarray): Faces for calibration, see :func:`quantize`.
        meta (ExportMeta): Its description.
        path (Path): The file.
    """
    import onnx

    with TemporaryDirectory() as folder:
        quantized = Path(folder) / 'int8.onnx'
        quantize(float32, quantized, faces)
        save(onnx.load(quantized), meta, path)
