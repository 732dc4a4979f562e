import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.fileio import HTTPBackend

from mpafer_plugin.datasets import FERPlus
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.ferplus.layouts import write_images
from tests.test_datasets.test_ferplus.test_ferplus import (
    FOLDERS,
    HEADER,
    USAGES,
)

HAPPY = ',0,9' + ',0' * 8
SAD = ',0,0,0,9' + ',0' * 6
NAMES = [
    ('Training', 'fer0000000.png', HAPPY),
    ('Training', '', SAD),
    ('PublicTest', 'fer0000002.png', SAD),
    ('Training', 'fer0000000.png', SAD),
    ('PrivateTest', 'Gesicht_ä.PNG', HAPPY),
]


def image(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (48, 48)).astype(np.uint8)


def pixels(image):
    return ' '.join(map(str, image.ravel().tolist()))


def write(root, newline='\n', bom=''):
    """Write both files: votes and pixels of five rows."""
    votes = [','.join(HEADER), *(f'{u},{n}{v}' for u, n, v in NAMES)]
    table = ['emotion,pixels,Usage']
    for index, (usage, _, _) in enumerate(NAMES):
        table.append(f'0,{pixels(image(index))},{usage}')
    for name, lines in (('fer2013new.csv', votes), ('fer2013.csv', table)):
        text = bom + newline.join(lines) + newline
        (root / name).write_bytes(text.encode())
    return root


def change(root, line, old, new):
    """Replace text in a line, from 1, of ``fer2013.csv``."""
    path = root / 'fer2013.csv'
    lines = path.read_text().splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text('\n'.join(lines) + '\n')


@pytest.mark.parametrize(('newline', 'bom'), [('\n', ''), ('\r\n', '\ufeff')])
def test_images_are_written_by_row(tmp_path, newline, bom):
    write(tmp_path, newline, bom)
    train = FERPlus(str(tmp_path), serialize_data=False)
    found = {
        path.relative_to(tmp_path).as_posix(): cv2.imdecode(
            np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED
        )
        for path in tmp_path.rglob('*')
        if path.suffix.lower() == '.png'
    }
    assert set(found) == {
        'FER2013Train/fer0000000.png',
        'FER2013Valid/fer0000002.png',
        'FER2013Test/Gesicht_ä.PNG',
    }
    # the name that stands twice: pixels and votes of the last row
    np.testing.assert_array_equal(
        found['FER2013Train/fer0000000.png'], image(3)
    )
    np.testing.assert_array_equal(
        found['FER2013Valid/fer0000002.png'], image(2)
    )
    np.testing.assert_array_equal(found['FER2013Test/Gesicht_ä.PNG'], image(4))
    assert [info['gt_label'] for info in train.data_list] == [2]
    assert len(FERPlus(str(tmp_path), 'test')) == 1
    assert not [name for name in os.listdir(tmp_path) if name[0] == '.']
    assert '48 x 48 grey, as released' in repr(train)


def test_nothing_is_written_twice(tmp_path):
    write(tmp_path)
    FERPlus(str(tmp_path))
    (tmp_path / 'FER2013Train' / 'fer0000000.png').write_bytes(b'mine')
    (tmp_path / 'FER2013Valid' / 'fer0000002.png').unlink()
    FERPlus(str(tmp_path), 'val')  # only the folder that lost all of them
    kept = tmp_path / 'FER2013Train' / 'fer0000000.png'
    assert kept.read_bytes() == b'mine'


def test_folders_with_votes_alone_are_filled(tmp_path):
    write(tmp_path)
    (tmp_path / 'FER2013Train').mkdir()
    (tmp_path / 'FER2013Train' / 'label.csv').write_text('old')
    assert len(FERPlus(str(tmp_path))) == 1
    assert (tmp_path / 'FER2013Train' / 'label.csv').read_text() == 'old'


def test_without_the_table_images_are_absent(tmp_path):
    (write(tmp_path) / 'fer2013.csv').unlink()
    with pytest.raises(FileNotFoundError, match='1 of 1 listed images'):
        FERPlus(str(tmp_path))


@pytest.mark.parametrize(
    ('line', 'old', 'new', 'message'),
    [
        (1, 'pixels', 'pixel', r"2013\.csv:1: the header starts with 'emo"),
        (2, ',Training', '', r'2013\.csv:2: 2 columns'),
        (2, ',Training', ',Training,x', r'2013\.csv:2: 4 columns'),
        (
            4,
            'PublicTest',
            'Training',
            r"new\.csv:4: Usage 'PublicTest'.*2013\.csv:4: Usage 'Training'",
        ),
        (3, '0,', '0,7 ', r'2013\.csv:3: 2305 pixels; .* = 2304'),
        (3, '0,', '0,256 ', r'2013\.csv:3: cannot .*0 to 255'),
        (3, '0,', '0,-1 ', r'2013\.csv:3: cannot .*0 to 255'),
        (3, '0,', '0,1.5 ', r"2013\.csv:3: cannot .*'1\.5'"),
    ],
)
def test_wrong_tables(tmp_path, line, old, new, message):
    change(write(tmp_path), line, old, new)
    with pytest.raises(ValueError, match=message):
        FERPlus(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ['fer2013.csv', 'fer2013new.csv']


@pytest.mark.parametrize('longer', ['fer2013.csv', 'fer2013new.csv'])
def test_different_numbers_of_rows(tmp_path, longer):
    path = write(tmp_path) / longer
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines()[-1])
    with pytest.raises(ValueError, match=rf'after 5 rows, but .*{longer}'):
        FERPlus(str(tmp_path))


@pytest.mark.parametrize('name', ['../x.png', '/x.png', r'..\x.png', 'x.exe'])
def test_names_that_lead_elsewhere(tmp_path, name):
    (tmp_path / 'root').mkdir()
    path = write(tmp_path / 'root') / 'fer2013new.csv'
    path.write_text(path.read_text().replace('fer0000002.png', name))
    with pytest.raises(ValueError, match=r'new\.csv:4: .*not a plain name'):
        FERPlus(str(tmp_path / 'root'))
    assert os.listdir(tmp_path) == ['root']


def test_a_disk_that_takes_nothing(tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(28, 'No space left on device')

    write(tmp_path)
    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match=r'No space.*150 MB.*data_root'):
        FERPlus(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ['fer2013.csv', 'fer2013new.csv']


def test_other_backends_cannot_be_written_to(tmp_path):
    root = DataRoot(str(write(tmp_path)))
    local, root.backend = root.backend, HTTPBackend()
    for name in ('isfile', 'isdir', 'join_path', 'list_dir_or_file'):
        setattr(root.backend, name, getattr(local, name))
    folders = {USAGES[split]: FOLDERS[split] for split in FOLDERS}
    with pytest.raises(ValueError, match='HTTPBackend cannot write'):
        write_images(root, 'fer2013new.csv', folders)
