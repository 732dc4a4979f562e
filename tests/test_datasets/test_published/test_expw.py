import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets import ExpW
from mpafer_plugin.faces import Face

# image face_id top left right bottom confidence label
LINES = [
    'angry_1.jpg 0 10 20 50 45 99.5 0',
    'angry_1.jpg 1 5 60 90 30 80.1  3',
    *(f'b_{i}.jpg 0 0 0 40 40 50 {i % 7}' for i in range(18)),
]


@pytest.fixture
def root(tmp_path):
    images = tmp_path / 'image' / 'origin'
    images.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in {line.split()[0] for line in LINES}:
        pixels = rng.integers(0, 256, (60, 100, 3), np.uint8)
        cv2.imwrite(str(images / name), pixels)
    (tmp_path / 'label').mkdir()
    return tmp_path


def read(root, split='train', lines=LINES, listed='label/label.lst', **kwargs):
    (root / listed).write_text('\n'.join(lines) + '\n')
    kwargs = dict(serialize_data=False, val_fraction=0) | kwargs
    return ExpW(str(root), split, **kwargs)


def test_boxes_and_labels(root, log):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    dataset = read(root, pipeline=pipeline, crop=dict(size=64))
    assert len(dataset) == 20
    assert '20 images, but 91793 were published' in log.text
    labels = [dataset.CLASSES[label] for label in dataset.get_gt_labels()]
    assert labels[:4] == ['anger', 'happiness', 'anger', 'disgust']
    info = dataset.get_data_info(0)
    assert info['bbox'] == [20, 10, 50, 45]  # x1 y1 x2 y2
    image = cv2.imread(info['img_path'])
    expected = dataset.box_crop.crop(image, Face(np.array(info['bbox'])))
    found = dataset[0]['inputs'].numpy().transpose(1, 2, 0)
    np.testing.assert_array_equal(found, expected)


def test_faces_of_an_image_stay_together(root):
    for fold in range(3):
        splits = [
            {
                info['img_path']
                for info in read(root, split, folds=3, fold=fold)
            }
            for split in ('train', 'test')
        ]
        assert not splits[0] & splits[1]


def test_without_folders(root):
    (root / 'image' / 'origin').rename(root / 'origin')
    assert len(read(root, listed='label.lst')) == 20


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('b_0.jpg 0 0 0 40 40 50 7', r"lst:2: the label '7' .*'6': 'neutral'"),
        ('b_0.jpg 0 0 40 20 40 50 1', r"lst:2: the box .*'40', '0', '20'"),
        ('b_0.jpg 0 0 0 40 40 1', r'lst:2: 7 fields .*expected 8'),
    ],
)
def test_wrong_lines(root, line, message):
    with pytest.raises(ValueError, match=message):
        read(root, lines=[LINES[0], line])


def test_no_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'label/label\.lst \(absent'):
        ExpW(str(tmp_path))
