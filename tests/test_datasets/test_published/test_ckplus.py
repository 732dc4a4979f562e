import pytest

from mpafer_plugin.datasets import CKPlus
from mpafer_plugin.datasets.published.ckplus import SEQUENCES

IMAGES, LABELS = 'cohn-kanade-images', 'Emotion'


def read(root, split='train', **kwargs):
    kwargs = dict(serialize_data=False, val_fraction=0) | kwargs
    return CKPlus(str(root), split, **kwargs)


def sequence(root, touch, name, label=None, frames=5):
    """Frames 1 to `frames`, and the label as the official files have it."""
    stem = name.replace('/', '_')
    touch(
        *(f'{IMAGES}/{name}/{stem}_{i:08d}.png' for i in range(1, 1 + frames))
    )
    if label is not None:
        path = f'{LABELS}/{name}/{stem}_{frames:08d}_emotion.txt'
        touch(path)
        (root / path).write_text(f'   {label}\n')


@pytest.fixture
def official(tmp_path, touch):
    """Seven persons with a labelled sequence, and one without a label."""
    for i in range(1, 8):
        sequence(tmp_path, touch, f'S00{i}/001', f'{i}.0000000e+00')
    sequence(tmp_path, touch, 'S001/002')
    (tmp_path / IMAGES / 'S001' / '.DS_Store').touch()
    return tmp_path


def frames(dataset, subject):
    return {
        info['img_path'][-12:-4]: dataset.CLASSES[info['gt_label']]
        for info in dataset
        if info['subject'] == subject
    }


def test_official_layout(official, log):
    dataset = read(official)
    assert dataset.metainfo['classes'] == (
        'neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust',
        'anger', 'contempt',
    )  # fmt: skip
    assert len(dataset) == 7 * 4
    assert frames(dataset, 'S002') == {
        '00000001': 'neutral',
        '00000003': 'contempt',
        '00000004': 'contempt',
        '00000005': 'contempt',
    }
    labels = {s: {*frames(dataset, f'S00{s}').values()} for s in range(1, 8)}
    for number, name in enumerate(SEQUENCES, 1):
        assert labels[number] == {'neutral', name}
    assert '1 sequences without a label' in dataset.describe()['label_rule']
    assert 'counts are not the published' in log.text


def test_frames(official):
    last = read(official, frames=1, neutral=False)
    assert frames(last, 'S001') == {'00000005': 'anger'}
    assert 'neutral' not in last.metainfo['classes']


def test_published_counts(official):
    assert sum(SEQUENCES.values()) == 327
    counts = read(official, frames=2).published_counts()
    assert counts['contempt'] == 36
    assert counts['neutral'] == 327


def test_folders_of_48_pixels(touch):
    paths = [
        f'{label}/S{i:03d}_00{k}_000000{frame}.png'
        for k, label in enumerate(SEQUENCES, 1)
        for i in range(10)
        for frame in (11, 12, 13)
    ]
    root = touch(*paths)
    kwargs = dict(folds=5, fold=1, val_fraction=0.2)
    splits = [read(root, s, **kwargs) for s in ('train', 'val', 'test')]
    people = [{info['subject'] for info in split} for split in splits]
    assert [len(names) for names in people] == [6, 2, 2]
    assert len(set.union(*people)) == 10
    assert sum(splits[0].published_counts().values()) == 981
    assert 'neutral' not in splits[0].metainfo['classes']


@pytest.mark.parametrize('text', ['0.0', '8.0', '1.5', 'happy', ''])
def test_wrong_labels(official, text):
    path = official / LABELS / 'S003' / '001' / 'S003_001_00000005_emotion.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'S003_001_00000005.*1\.0: .anger'):
        read(official)


def test_two_labels(official, touch):
    touch(f'{LABELS}/S003/001/other_emotion.txt')
    with pytest.raises(ValueError, match=r'other_emotion.*expected one file'):
        read(official)


def test_sequence_is_too_short(official):
    with pytest.raises(ValueError, match=r'S001/001: 5 images.*frames=5'):
        read(official, frames=5)


@pytest.mark.parametrize('value', [0, 1.5])
def test_wrong_frames(official, value):
    with pytest.raises(ValueError, match=f'frames={value}'):
        read(official, frames=value)


def test_no_labels(touch):
    root = touch(f'{IMAGES}/S001/001/S001_001_00000001.png')
    with pytest.raises(FileNotFoundError, match=r'labels in Emotion; .*holds'):
        read(root)


def test_name_without_a_person(touch):
    root = touch('anger/1.png', 'anger/S001_1.png')
    with pytest.raises(ValueError, match=r'matches nothing in .1\.png'):
        read(root)
