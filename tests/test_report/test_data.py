import numpy as np
import pytest

from mpafer_plugin.datasets import RAFDB
from mpafer_plugin.report.data import ReportData
from tests.small_data import draw

LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(32, 32)),
    dict(type='PackInputs'),
]


@pytest.fixture
def dataset(data_root):
    return RAFDB(str(data_root / 'rafdb'), 'test', pipeline=LOAD)


def test_classes_are_matched_by_name(dataset):
    classes = ['anger', 'Happy', 'contempt']
    data = ReportData.of(dataset, classes)
    assert np.bincount(data.true).tolist() == [4, 4]
    assert data.left_out == 20
    assert data.lacking == [
        'neutral',
        'sadness',
        'surprise',
        'fear',
        'disgust',
    ]
    labels = [dataset.get_data_info(i)['gt_label'] for i in data.images]
    assert {dataset.CLASSES[i] for i in labels} == {'anger', 'happiness'}
    with pytest.raises(ValueError, match='contempt'):
        ReportData.of(dataset, ['contempt'])


def test_images_and_paths(dataset):
    data = ReportData.of(dataset, dataset.CLASSES)
    view = data.view(0)
    assert view.shape == (32, 32, 3) and view.dtype == np.uint8
    inputs = dataset[0]['inputs'].numpy()
    np.testing.assert_array_equal(view, inputs.transpose(1, 2, 0)[..., ::-1])
    assert data.path(0) == 'basic/Image/aligned/test_0001_aligned.jpg'
    assert data.persons() is None
    assert data.columns() == {}


def test_people_of_rafdb(tmp_path):
    base = tmp_path / 'basic'
    (base / 'Image' / 'aligned').mkdir(parents=True)
    (base / 'EmoLabel').mkdir()
    (base / 'Annotation' / 'manual').mkdir(parents=True)
    lines = []
    for i in (1, 2):
        name = f'test_000{i}'
        path = base / 'Image' / 'aligned' / f'{name}_aligned.jpg'
        draw(np.random.default_rng(0), path, i, (40, 40, 3))
        lines.append(f'{name}.jpg {i}\n')
        text = 5 * '1\t2\n' + f'{i - 1}\n1\n2\n'
        note = base / 'Annotation' / 'manual' / f'{name}_manu_attri.txt'
        note.write_text(text)
    listed = base / 'EmoLabel' / 'list_patition_label.txt'
    listed.write_text(''.join(lines))
    dataset = RAFDB(str(tmp_path), 'test', pipeline=LOAD)
    data = ReportData.of(dataset, dataset.CLASSES)
    assert data.columns() == dict(
        gender=['male', 'female'],
        race=2 * ['African-American'],
        age=2 * ['20 to 39'],
    )
