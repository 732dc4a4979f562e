"""Exported models: their metadata, and damaged bytes."""

import tempfile
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import onnx

from mpafer_plugin.export.metadata import ExportMeta
from mpafer_plugin.export.onnx_classifier import OnnxClassifier
from mpafer_plugin.export.onnx_file import save

from .files import to_json
from .harness import Finding, Target
from .mutators import mutate_bytes, mutate_tree

META = ExportMeta(
    classes=['fear', 'anger'],
    words=['fear', 'anger'],
    input=dict(
        size=[4, 6], color='RGB', range=[0, 255], interpolation='bicubic'
    ),
    grid=None,
    top_k=2,
    crop=None,
    fingerprints=dict(image_tower='a', text_tower='b'),
    license='None.',
    checkpoint=dict(file='a.pth', sha256='0', date='2026-11-21'),
)


@cache
def model() -> bytes:
    """A model whose logits are the means of two colours."""
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    weights = np.eye(3, 2, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node('GlobalAveragePool', ['image'], ['pooled']),
            helper.make_node('Flatten', ['pooled'], ['means']),
            helper.make_node('MatMul', ['means', 'weights'], ['logits']),
            helper.make_node('Softmax', ['logits'], ['probabilities']),
        ],
        'means',
        [helper.make_tensor_value_info('image', kind, ['batch', 3, 4, 6])],
        [
            helper.make_tensor_value_info(name, kind, ['batch', 2])
            for name in ('logits', 'probabilities')
        ],
        [onnx.numpy_helper.from_array(weights, 'weights')],
    )
    opset = [helper.make_opsetid('', 18)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=9)
    path = Path(tempfile.mkdtemp(), 'model.onnx')
    save(proto, META, path)
    return path.read_bytes()


def write(rng: Random, folder: Path) -> Path:
    content = model()
    if rng.random() < 0.3:
        content = mutate_bytes(content, rng)
    else:
        proto = onnx.load_from_string(content)
        meta = {x.key: x.value for x in proto.metadata_props}
        key = rng.choice([*meta])
        if rng.random() < 0.1:
            del meta[key]
        else:
            tree = mutate_tree(getattr(META, key), rng)
            meta[key] = to_json(tree).replace('\\ud800', 'x')
        onnx.helper.set_model_props(proto, meta)
        content = proto.SerializeToString()
    path = folder / 'fuzzed.onnx'
    path.write_bytes(content)
    return path


def read(path: Path) -> None:
    session = OnnxClassifier(path).session
    size = session.meta.input['size']
    found = session(np.ones((1, 3, *size), np.float32))
    if found['probabilities'].shape != (1, len(session.meta.classes)):
        raise Finding(f'{session.meta.classes} for {found}')


TARGETS = [Target('onnx', write, read)]
