import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from mpafer_plugin.export import web_page
from mpafer_plugin.export.web_page import (
    WebPage,
    detector_of_any_size,
    draw_example,
)
from mpafer_plugin.faces import FaceCrop

from .test_metadata import META

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'mpafer_plugin' / 'export' / 'web'
BICUBIC = dict(META.input, interpolation='bicubic')


@pytest.fixture
def no_runtime(monkeypatch):
    """As if onnxruntime-web were one small file."""
    monkeypatch.setattr(
        web_page, 'read_runtime', lambda source: {'ort.mjs': b'1'}
    )


def test_files(tmp_path, yunet_file, no_runtime):
    meta = replace(META, input=BICUBIC, classes=['fear', 'naïve'])
    WebPage(meta, None, yunet_file).write(tmp_path, meta)
    assert (tmp_path / 'index.html').is_file()
    assert (tmp_path / 'ort' / 'ort.mjs').read_bytes() == b'1'
    assert [x.name for x in (tmp_path / 'examples').iterdir()] == ['fear.jpg']
    values = json.loads((tmp_path / 'model.json').read_text('utf-8'))
    assert values['classes'] == ['fear', 'naïve']
    assert values['examples'] == ['fear']
    assert values['crop'] == FaceCrop().to_dict()
    assert not values['crop_known']


def test_the_crop_of_the_training(tmp_path, yunet_file, no_runtime):
    crop = FaceCrop(size=64, margin=0.3).to_dict()
    meta = replace(META, input=BICUBIC, crop=crop)
    WebPage(meta, None, yunet_file).write(tmp_path, meta)
    values = json.loads((tmp_path / 'model.json').read_text())
    assert values['crop'] == crop and values['crop_known']


def test_a_resize_that_the_page_lacks(yunet_file, no_runtime):
    meta = replace(META, input=dict(META.input, interpolation='lanczos'))
    with pytest.raises(ValueError, match=r"'lanczos'.*bilinear, bicubic"):
        WebPage(meta, None, yunet_file)


def test_another_detector(tmp_path):
    graph = onnx.helper.make_graph([], 'other', [], [])
    path = tmp_path / 'other.onnx'
    onnx.save(onnx.helper.make_model(graph), path)
    with pytest.raises(ValueError, match=r'other\.onnx'):
        detector_of_any_size(path)
    path.write_bytes(b'no model')
    with pytest.raises(ValueError, match=r'other\.onnx'):
        detector_of_any_size(path)


def test_the_detector_takes_any_size(yunet_file):
    import onnxruntime

    session = onnxruntime.InferenceSession(detector_of_any_size(yunet_file))
    image = np.zeros((1, 3, 96, 64), np.float32)
    outputs = session.run(['cls_8', 'kps_32'], {'input': image})
    assert [x.shape for x in outputs] == [(1, 96, 1), (1, 6, 10)]


def test_examples_are_the_same_each_time():
    face = draw_example(1, 'fear')
    assert face.shape == (240, 240, 3)
    np.testing.assert_array_equal(face, draw_example(1, 'fear'))


def test_limits_are_those_of_the_readme():
    readme = (ROOT / 'README.md').read_text('utf-8')
    found = re.search(r'## Intended use and limits\n\n(.*?)\n\n', readme, re.S)
    page = re.sub('<[^>]+>', '', (PAGE / 'index.html').read_text('utf-8'))
    limits = found[1].replace('*', '')
    assert ' '.join(limits.split()) in ' '.join(page.split())


def test_nothing_of_elsewhere():
    """Neither file names another host, nor runs text as code."""
    for path in PAGE.rglob('*'):
        text = path.read_text('utf-8') if path.is_file() else ''
        found = re.findall(r'https?://[^"\s]+', text)
        assert set(found) <= {'http://www.w3.org/2000/svg'}, path
        assert not re.search(r'innerHTML|\beval\(|\son\w+="', text), path
