"""Faces that a table gives as boxes in larger images."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from torch.utils.data import Subset

from mpafer_plugin.datasets import FERCsv
from mpafer_plugin.datasets.verification import read_parts, verify
from mpafer_plugin.engine.hooks.prototype_hook import PrototypeHook
from mpafer_plugin.faces import Face, FaceCrop

HEADER = 'path,label,x1,y1,x2,y2'
LINES = ['a.png,sad,10,20,40,50', 'a.png,happy,50,5,70,35']
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture
def image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), pixels)
    return pixels


def read(root, lines=LINES, header=HEADER, **kwargs):
    (root / 'labels.csv').write_text('\n'.join([header, *lines]))
    kwargs = dict(val_fraction=0, serialize_data=False) | kwargs
    return FERCsv(str(root), pipeline=PIPELINE, **kwargs)


def test_faces_of_one_image(tmp_path, image):
    dataset = read(tmp_path, crop=dict(size=32, margin=0.2))
    assert dataset.get_gt_labels().tolist() == [1, 0]
    crop = FaceCrop(size=32, margin=0.2, align=False)
    for index, line in enumerate(LINES):
        box = np.array(line.split(',')[2:], float)
        expected = crop.crop(image, Face(box))
        found = dataset[index]['inputs'].numpy().transpose(1, 2, 0)
        np.testing.assert_array_equal(found, expected)
    # So that checkpoints hold it, and inference crops alike.
    assert dataset.metainfo['face_crop'] == crop.to_dict()
    assert 'boxes listed, 32 x 32, margin 0.2' in dataset.describe()['crop']


def test_faces_outside_of_their_image(tmp_path, image):
    lines = [*LINES, 'a.png,fear,100,0,120,20']
    dataset = read(tmp_path, lines)
    with pytest.raises(
        ValueError, match=r'80 x 60 pixels.*outside.*--missing'
    ):
        dataset[2]
    config = dict(type='FERCsv', data_root=str(tmp_path), val_fraction=0)
    (part,) = verify(read_parts(dict(train=config))).parts
    (found,) = part.unreadable
    assert found['where'] == f'{tmp_path}/labels.csv:4'
    assert '80 x 60 pixels' in found['reason']
    # Images are listed, and counted: not their faces.
    (tmp_path / 'missing.txt').write_text('a.png\n')
    options = dict(leave_out=f'{tmp_path}/missing.txt', lazy_init=True)
    left_out = read(tmp_path, lines, **options)
    samples, text = left_out.choose(left_out.read_samples())
    assert samples == []
    assert 'without 1 of the 1 images' in text


@pytest.mark.parametrize('crop', [dict(align=True), dict(no_face='whole')])
def test_only_size_and_margin_are_of_boxes(tmp_path, image, crop):
    with pytest.raises(ValueError, match=r"'(align|no_face)'.*'size', 'mar"):
        read(tmp_path, crop=crop)


def test_faces_that_are_listed_twice(tmp_path, image):
    assert len(read(tmp_path, [*LINES, LINES[0]])) == 2
    other = LINES[0].replace('sad', 'fear')
    with pytest.raises(ValueError, match=r"csv:4: 'a\.png' is .*'fear'"):
        read(tmp_path, [*LINES, other])


@pytest.mark.parametrize(
    'box',
    [
        '10,20,40,',
        '10,20,a,50',
        '10,20,10,50',
        '40,20,10,50',
        '0,0,1,inf',
        '0,0,1_0,5',
    ],
)
def test_wrong_boxes(tmp_path, image, box):
    with pytest.raises(ValueError, match=r'csv:2: the box .*x1 < x2'):
        read(tmp_path, [f'a.png,sad,{box}'])


def test_box_lacks_a_column(tmp_path):
    with pytest.raises(ValueError, match=r"'y2'.*\['path', 'label', 'x1'\]"):
        read(tmp_path, [], 'path,label,x1')


def test_box_outside_of_the_image(tmp_path, image):
    dataset = read(tmp_path, ['a.png,sad,900,900,950,950'])
    with pytest.raises(ValueError, match=r'a\.png.*900.*80 x 60'):
        dataset[0]


def test_cached_prototypes_are_of_these_boxes(tmp_path, image):
    model = SimpleNamespace(
        backbone=SimpleNamespace(fingerprint='tower'),
        head=SimpleNamespace(prototypes=np.zeros((2, 3))),
        data_preprocessor=SimpleNamespace(mean=0, std=1),
    )
    hook = PrototypeHook(cache_dir=str(tmp_path / 'cache'))

    def cache_path(lines, **kwargs):
        images = Subset(read(tmp_path, lines, **kwargs), range(2))
        return hook._cache_path(model, images, [1, 0], PIPELINE, 'float32')

    first = cache_path(LINES)
    assert cache_path(LINES) == first
    assert cache_path([LINES[0].replace('40', '41'), LINES[1]]) != first
    assert cache_path(LINES, crop=dict(margin=0.2)) != first


def test_boxes_of_images_that_are_crops(tmp_path, image):
    import json

    (tmp_path / 'crop.json').write_text(json.dumps(FaceCrop().to_dict()))
    (tmp_path / 'crop_report.csv').touch()
    with pytest.raises(ValueError, match=r'boxes.*crop\.json'):
        read(tmp_path)
