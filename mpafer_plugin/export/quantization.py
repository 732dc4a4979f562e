"""Quantisation of an exported model to int8 by onnxruntime."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

_BATCH = 4  # images; the values of all their layers are in memory
_LINEAR = re.compile(r'backbone\.blocks\..*(in_proj|out_proj|mlp\..*)/Gemm')
_PERCENTILE = 99.99


def quantize(source: Path, target: Path, images: np.ndarray) -> None:
    """Quantise the linear layers of the blocks; the rest stays float32.

    Weights are int8, with a scale for each channel; inputs are uint8, with
    the range of the middle :data:`_PERCENTILE` percent of their values in the
    images: the largest few of a ViT are far outside. Patch embedding,
    attention, final projection and scores are float32: they are a small part
    of the time, and the cosines of the classes differ in the third digit.

    Args:
        source (Path): Model in float32, of :func:`to_onnx`.
        target (Path): The file to write.
        images (np.ndarray): Faces (B, 3, H, W) that the ranges are taken
            from, RGB in 0 to 255, float32.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    graph = onnx.load(source).graph
    linear = [node.name for node in graph.node if _LINEAR.match(node.name)]
    with _quiet():
        quantize_static(
            source,
            target,
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['Gemm'],
            nodes_to_quantize=linear,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options=dict(
                CalibPercentile=_PERCENTILE,
                CalibStridedMinMax=1,
                # Sums of residuals and inputs of attention are float32.
                OpTypesToExcludeOutputQuantization=['Gemm'],
            ),
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence onnxruntime's steps, and its advice on larger graphs."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


class _Reader:
    """Batches of images, as onnxruntime reads them: a range at a time."""

    def __init__(self, images: np.ndarray):
        starts = range(0, len(images), _BATCH)
        self.batches = [images[i : i + _BATCH] for i in starts]
        self.set_range(0, len(self.batches))

    def __len__(self) -> int:
        return len(self.batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        self.rest = iter(self.batches[start_index:end_index])

    def get_next(self) -> dict | None:
        batch = next(self.rest, None)
        return None if batch is None else dict(image=batch)
