import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets import FER2013, FERPlus

NAMES = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise')
FOLDERS = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')


def pixels(value):
    return ' '.join([str(value)] * (48 * 48))


ROWS = [
    dict(emotion=str(i % 7), pixels=pixels(i), Usage=usage)
    for i, usage in enumerate(
        ['Training'] * 7 + ['PublicTest'] * 2 + ['PrivateTest'] * 3
    )
]


def write(root, header='emotion,pixels,Usage', rows=ROWS, name='fer2013.csv'):
    keys = [key.strip() for key in header.split(',')]
    lines = [header, *(','.join(row[key] for key in keys) for row in rows)]
    (root / name).write_text('\n'.join(lines) + '\n')
    return str(root)


def read(root, split='train', **kwargs):
    return FER2013(str(root), split, serialize_data=False, **kwargs)


@pytest.mark.parametrize(
    ('name', 'header'),
    [
        ('fer2013.csv', 'emotion,pixels,Usage'),
        ('fer2013.csv', 'Usage,pixels,emotion'),
        ('icml_face_data.csv', 'emotion, Usage, pixels'),
    ],
)
def test_table(tmp_path, name, header):
    root = write(tmp_path, header, name=name)
    train, val, test = (read(root, s) for s in ('train', 'val', 'test'))
    assert [len(part) for part in (train, val, test)] == [7, 2, 3]
    # Canonical order: neutral first, which is 6 in the table.
    assert train.metainfo['classes'][0] == 'neutral'
    labels = {
        tuple(cv2.imread(info['img_path'])[0, 0]): info['gt_label']
        for info in train
    }
    found = {int(k[0]): train.CLASSES[v] for k, v in labels.items()}
    assert found == dict(enumerate([*NAMES, 'neutral']))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [name, 'train', 'val', 'test']
    )
    # As FER+ names the same image.
    assert (tmp_path / 'test' / 'fear' / 'fer0000009.png').exists()


def test_images_are_written_once(tmp_path):
    root = write(tmp_path)
    read(root)
    path = tmp_path / 'train' / 'anger' / 'fer0000000.png'
    before = path.stat().st_mtime_ns
    read(root)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize('named', [True, False])
def test_folders_without_public_test(touch, log, named):
    names = FOLDERS if named else map(str, range(7))
    paths = [f'{name}/{i}.jpg' for name in names for i in range(10)]
    root = touch(*(f'{part}/{p}' for part in ('train', 'test') for p in paths))
    train, val = read(root), read(root, 'val')
    assert (len(train), len(val)) == (63, 7)
    folders = {
        train.CLASSES[info['gt_label']]: info['img_path'].split('/')[-2]
        for info in train
    }
    assert folders['neutral'] == ('neutral' if named else '6')
    assert folders['anger'] == ('angry' if named else '0')
    assert 'counts are not the published' in log.text
    assert len(read(root, 'test')) == 70
    assert '70 images, but 7178 were published' in log.text


def test_counts_of_a_complete_copy():
    counts = FER2013.PUBLISHED_COUNTS['train']
    assert sum(counts.values()) == 28709
    assert counts['happiness'] == 7215


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(emotion='7'), r"csv:2: unknown emotion '7'.*'6': 'neutral'"),
        (dict(Usage='Train'), r"csv:2: unknown Usage 'Train'.*'Training'"),
        (dict(pixels='1 2'), r'csv:2: 2 pixels; expected 48 x 48'),
        (dict(pixels=pixels(256)), r'csv:2: cannot read the pixels .*255'),
        (dict(pixels=pixels('a')), r"csv:2: cannot read the pixels .*'a'"),
    ],
)
def test_wrong_rows(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path, rows=[ROWS[0] | change, *ROWS[1:]]))
    # Nothing incomplete is left.
    assert [p.name for p in tmp_path.iterdir()] == ['fer2013.csv']


def test_wrong_header(tmp_path):
    (tmp_path / 'fer2013.csv').write_text('emotion,pixels\n0,1\n')
    with pytest.raises(ValueError, match=r"csv:1: .*'emotion,pixels'.*Usage"):
        read(tmp_path)


def test_neither_table_nor_folders(touch):
    with pytest.raises(FileNotFoundError, match='no class folders'):
        read(touch('labels.txt'))
    with pytest.raises(ValueError, match="'contempt' is neither"):
        read(touch('train/contempt/1.png'))


def test_ferplus_reads_kaggles_table(tmp_path):
    write(tmp_path, 'emotion, Usage, pixels', name='icml_face_data.csv')
    header = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,'
    lines = [header + 'disgust,fear,contempt,unknown,NF']
    for i, row in enumerate(ROWS):
        lines.append(f'{row["Usage"]},fer{i:07d}.png,10{",0" * 9}')
    (tmp_path / 'fer2013new.csv').write_text('\n'.join(lines))
    dataset = FERPlus(str(tmp_path), 'test', serialize_data=False)
    images = [cv2.imread(info['img_path'])[0, 0, 0] for info in dataset]
    np.testing.assert_array_equal(images, [9, 10, 11])
