"""A classifier as a file: one export for all tests, as it takes seconds."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.export.compare import (
    drawn_faces,
    largest_differences,
    torch_outputs,
)
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.folded_classifier import FoldedClassifier
from mpafer_plugin.export.session import Session
from mpafer_plugin.export.write import write_int8, write_model
from tests.conftest import ROOT
from tests.test_export.test_folded_classifier import build

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('export')]


@pytest.fixture(scope='module')
def written(tiny_arch, tiny_weights, tmp_path_factory):
    """The classifier, its folded form and its file."""
    torch.manual_seed(0)
    tiny = dict(arch=tiny_arch, pretrained=tiny_weights)
    model = build(tiny, head=dict(proto_weight=0.5))
    loaded = load_model(model, device='cpu', dtype='float32')
    path = tmp_path_factory.mktemp('export') / 'model.onnx'
    meta = describe(loaded, None, patches=True)
    module = FoldedClassifier(model, patches=True)
    write_model(module, meta, path)
    return model, module, path


def test_any_number_of_images(written):
    model, module, path = written
    session = Session(path)
    images = drawn_faces(5, session.meta.input)
    for count in (1, 2, 5):
        found = session(images[:count])
        want = torch_outputs(model, images[:count])
        for name, values in want.items():
            assert np.abs(found[name] - values).max() < 1e-4
        patches = module(torch.from_numpy(images[:count]))[2]
        assert np.abs(found['patches'] - patches.numpy()).max() < 1e-5
    assert max(largest_differences(model, session, images).values()) < 1e-4


def test_names_and_metadata(written):
    model, _, path = written
    graph = onnx.load(path).graph
    shapes = {
        x.name: [
            d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim
        ]
        for x in (*graph.input, *graph.output)
    }
    assert shapes == dict(
        image=['batch', 3, 32, 32],
        logits=['batch', 7],
        probabilities=['batch', 7],
        patches=['batch', 16, 7],
    )
    meta = Session(path).meta
    assert meta.classes == list(model.head.text.classes)
    assert meta.words == list(model.head.text.words)
    assert meta.input == dict(
        size=[32, 32], color='RGB', range=[0, 255], interpolation='bicubic'
    )
    assert (meta.grid, meta.top_k) == ([4, 4], 4)
    assert meta.fingerprints['image_tower'] == model.backbone.fingerprint
    assert meta.opset >= 18
    strings = {x.key: x.value for x in onnx.load(path).metadata_props}
    assert all(json.loads(x) != '' for x in strings.values())


def test_it_has_the_image_tower_and_little_else(written):
    model, _, path = written
    tower = sum(p.numel() * 4 for p in model.backbone.parameters())
    graph = onnx.load(path).graph
    constants = sum(np.prod(x.dims) * 4 for x in graph.initializer)
    assert tower * 0.95 < constants < tower * 1.1
    content = path.read_bytes()
    for text in (str(ROOT), 'site-packages', str(Path.home())):
        assert text.encode() not in content
    # The prompts' keys and values are constants: one product for each layer.
    names = Counter(x.name.partition('/')[0] for x in graph.node)
    assert names['backbone.blocks.1.in_proj'] == 1
    kinds = Counter(x.op_type for x in graph.node)
    assert kinds['Gemm'] == 2 * 4  # with the bias: faster than MatMul, Add


def test_float16(written, tmp_path):
    model, module, path = written
    meta = replace(Session(path).meta, precision='float16')
    write_model(module, meta, tmp_path / 'half.onnx')
    session = Session(tmp_path / 'half.onnx')
    assert session.meta.precision == 'float16'
    images = drawn_faces(4, meta.input)
    found = largest_differences(model, session, images)
    assert 0 < found['probabilities'] < 0.02
    weights = onnx.load(tmp_path / 'half.onnx').graph.initializer
    kinds = Counter(x.data_type for x in weights if len(x.dims) > 1)
    assert kinds[onnx.TensorProto.FLOAT16] > kinds[onnx.TensorProto.FLOAT]


def test_int8(written, tmp_path):
    model, _, path = written
    meta = replace(Session(path).meta, precision='int8')
    images = drawn_faces(8, meta.input)
    write_int8(path, images, meta, tmp_path / 'int8.onnx')
    session = Session(tmp_path / 'int8.onnx')
    assert session.meta == meta
    found = largest_differences(model, session, images)
    assert 0 < found['probabilities'] < 0.2
    graph = onnx.load(tmp_path / 'int8.onnx').graph
    int8 = {
        x.name
        for x in graph.initializer
        if x.data_type == onnx.TensorProto.INT8 and len(x.dims) == 2
    }
    assert len(int8) == 2 * 4  # linear layers of two blocks
    scales = [x for x in graph.initializer if x.name.endswith('_scale')]
    assert any(len(x.dims) == 1 and x.dims[0] == 48 for x in scales)
