import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mpafer_plugin.datasets import FERPlus
from mpafer_plugin.datasets.categories import EXPRESSIONS
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.ferplus.labels import (
    FERPLUS_COUNTS,
    LABEL_RULES,
    VOTE_COLUMNS,
)
from mpafer_plugin.datasets.ferplus.layouts import read_votes

TAR = Path(__file__).parents[3] / '../shared/data/ferplus.tar'
FOLDERS = {
    'train': 'FER2013Train',
    'val': 'FER2013Valid',
    'test': 'FER2013Test',
}
USAGES = {'train': 'Training', 'val': 'PublicTest', 'test': 'PrivateTest'}
HEADER = ('Usage', 'Image name', *VOTE_COLUMNS)

# votes for neutral, happiness, surprise, sadness, anger, disgust, fear,
# contempt, unknown, no face -> label by majority, argmax, argmax8 and
# distribution, worked out by hand
CASES = [
    # six of ten
    ((6, 0, 1, 1, 0, 0, 0, 0, 2, 0), ('neutral',) * 4),
    # four of nine that are left: no majority
    ((4, 0, 0, 1, 3, 2, 0, 0, 0, 0), (None, *('neutral',) * 3)),
    # single votes go, so four of six is a majority
    ((1, 0, 1, 1, 1, 0, 4, 0, 2, 0), ('fear',) * 4),
    # exactly half is not more than half
    ((0, 5, 5, 0, 0, 0, 0, 0, 0, 0), (None, *('happiness',) * 3)),
    # unknown wins over all but the rules for eight
    ((0, 0, 0, 0, 2, 0, 0, 0, 8, 0), (None, None, 'anger', 'anger')),
    # a tie with unknown goes to the expression, which stands first
    ((0, 0, 0, 0, 0, 5, 0, 0, 5, 0), (None, *('disgust',) * 3)),
    # tie of surprise and sadness: first column, but first class if soft
    ((0, 0, 5, 5, 0, 0, 0, 0, 0, 0), (None, *('surprise',) * 2, 'sadness')),
    # no face at all
    ((0, 0, 0, 0, 0, 0, 0, 0, 0, 10), (None,) * 4),
    ((0, 0, 0, 0, 0, 0, 0, 10, 0, 0), ('contempt',) * 4),
    # ten single votes: nothing is left for the majority
    ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1), (None, *('neutral',) * 3)),
]


def write(root, rows, split='train', new=True, **kwargs):
    """Write votes, a list of (name, ten votes), and empty images."""
    folder = root / FOLDERS[split]
    folder.mkdir(parents=True)
    if new:
        table = [HEADER, *((USAGES[split], n, *v) for n, v in rows)]
    else:
        table = [(n, '(0, 0, 48, 48)', *v) for n, v in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator=kwargs.get('newline', '\n')).writerows(
        table
    )
    path = root / 'fer2013new.csv' if new else folder / 'label.csv'
    path.write_bytes((kwargs.get('bom', '') + text.getvalue()).encode())
    for name, _ in rows:
        if name and '/' not in name:
            (folder / name).touch()
    return str(root)


def case_rows():
    return [(f'fer{i:07}.png', votes) for i, (votes, _) in enumerate(CASES)]


def labels_of(dataset):
    return {
        Path(info['img_path']).name: EXPRESSIONS[info['gt_label']]
        for info in dataset
    }


@pytest.mark.parametrize('new', [True, False])
@pytest.mark.parametrize(('number', 'rule'), list(enumerate(LABEL_RULES)))
def test_rules_by_hand(tmp_path, number, rule, new):
    root = write(tmp_path, case_rows(), 'test', new)
    dataset = FERPlus(root, 'test', label_rule=rule)
    assert dataset.metainfo['classes'] == EXPRESSIONS
    expected = {
        f'fer{i:07}.png': labels[number]
        for i, (_, labels) in enumerate(CASES)
        if labels[number] is not None
    }
    assert labels_of(dataset) == expected
    left_out = len(CASES) - len(expected)
    assert (
        f'passed over: {left_out} images' in dataset.describe()['label_rule']
    )


def test_distribution_reaches_the_data_sample(tmp_path):
    root = write(tmp_path, case_rows())
    grey = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
    cv2.imwrite(str(tmp_path / 'FER2013Train' / 'fer0000001.png'), grey)
    dataset = FERPlus(
        root,
        label_rule='distribution',
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'PackInputs'}],
    )
    packed = dataset[1]
    assert packed['inputs'].shape == (3, 48, 48)
    assert (packed['inputs'] == torch.from_numpy(grey)).all()
    sample = packed['data_samples']
    # neutral, happiness, sadness, surprise, fear, disgust, anger, contempt
    torch.testing.assert_close(
        sample.gt_score, torch.tensor([4.0, 0, 1, 0, 0, 2, 3, 0]) / 10
    )
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        assert sum(info['gt_score']) == pytest.approx(1)
        assert info['gt_label'] == np.argmax(info['gt_score'])
    assert 'gt_score' not in FERPlus(root).get_data_info(0)


def test_soft_targets_follow_the_users_classes(tmp_path):
    root = write(tmp_path, case_rows())
    classes = EXPRESSIONS[::-1]
    dataset = FERPlus(root, label_rule='distribution', classes=classes)
    info = dataset.get_data_info(1)
    assert info['gt_label'] == classes.index('neutral')
    assert info['gt_score'] == [0, 0.3, 0.2, 0, 0, 0.1, 0, 0.4]


def test_newer_votes_win(tmp_path):
    happy, sad = (0, 9, *[0] * 8), (0, 0, 0, 9, *[0] * 6)
    write(tmp_path / 'a', [('fer0000000.png', sad)], new=False)
    root = write(tmp_path / 'b', [('fer0000000.png', happy)])
    old = tmp_path / 'a' / 'FER2013Train' / 'label.csv'
    old.rename(tmp_path / 'b' / 'FER2013Train' / 'label.csv')
    dataset = FERPlus(root)
    assert labels_of(dataset) == {'fer0000000.png': 'happiness'}
    assert 'by fer2013new.csv' in repr(dataset)


def test_repeated_and_unnamed_rows(tmp_path):
    happy, sad = (0, 9, *[0] * 8), (0, 0, 0, 9, *[0] * 6)
    rows = [('a.png', happy), ('', sad), ('b.png', sad), ('a.png', sad)]
    dataset = FERPlus(write(tmp_path, rows))
    # the tool overwrites the image, so the last row is the image's
    assert labels_of(dataset) == {'a.png': 'sadness', 'b.png': 'sadness'}
    text = dataset.describe()['label_rule']
    assert '1 rows without a name, 1 rows repeated below' in text


@pytest.mark.parametrize('new', [True, False])
def test_line_endings_and_bom(tmp_path, new):
    root = write(tmp_path, case_rows(), new=new, newline='\r\n', bom='\ufeff')
    assert labels_of(FERPlus(root))['fer0000000.png'] == 'neutral'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('Usage,name\n', r"new\.csv:1: the header is \['Usage', 'name'\]"),
        ('', r'new\.csv:1: the header is \[\]'),
        ('{header}\nTrain,a.png\n', r"new\.csv:2: unknown Usage 'Train'"),
        ('{header}\n\nTraining,a.png,1\n', r"csv:3: .*'Training,a\.png,1'"),
        ('{header}\nTraining,a.png' + ',-1' * 10, r'csv:2: cannot read'),
        ('{header}\nTraining,a.png' + ',1.5' * 10, r'csv:2: cannot read'),
        ('{header}\nTraining,a.png' + ',1' * 11, r'csv:2: cannot read'),
        ('{header}\nTraining,a.png' + f',{"9" * 5000}' * 10, r'csv:2: cannot'),
        ('{header}\nPrivateTest,"a.png,1\n', r'csv:2: not CSV: .*quote'),
        ('{header},x\n', r'csv:1: the header is'),
        ('Training,a.png' + ',1' * 10, r'csv:1: the header is'),
        ('{header}\nTraining\n', r"csv:2: unknown Usage 'Training'"),
        ('{header}\nTraining,../../a.png' + ',9' * 10, r'csv:2: .*leads out'),
    ],
)
def test_wrong_files(tmp_path, text, message):
    (tmp_path / 'FER2013Train').mkdir()
    text = text.format(header=','.join(HEADER))
    (tmp_path / 'fer2013new.csv').write_text(text)
    with pytest.raises(ValueError, match=message):
        FERPlus(str(tmp_path), label_rule='argmax')


def test_absent_files(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=(
            r"(?s)no layout of FER\+'s votes.*new\.csv \(absent\)"
            r'.*label\.csv \(absent\)'
        ),
    ):
        FERPlus(str(tmp_path))
    root = write(tmp_path, case_rows())
    (tmp_path / 'FER2013Train' / 'fer0000002.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'(?s)1 of 3.*new\.csv:4: '):
        FERPlus(root)


def test_unknown_rule(tmp_path):
    with pytest.raises(ValueError, match=r"'mean'.*'majority', 'argmax'"):
        FERPlus(str(tmp_path), label_rule='mean')


@pytest.fixture(scope='module')
def real_root(tmp_path_factory):
    """The real votes beside empty files that have the real names."""
    if not TAR.is_file():
        pytest.skip(f'the real FER+ is not here: {TAR}')
    root = tmp_path_factory.mktemp('real')
    with tarfile.open(TAR) as tar:
        for member in tar:
            path = root / member.name
            if member.isdir():
                path.mkdir()
            elif path.suffix == '.csv':
                path.write_bytes(tar.extractfile(member).read())
            else:
                path.touch()
    return root / 'ferplus'


TOTALS = {
    ('fer2013new.csv', 'majority'): [25057, 3199, 3152],
    ('fer2013new.csv', 'argmax'): [28386, 3553, 3545],
    ('fer2013new.csv', 'argmax8'): [28556, 3579, 3572],
    ('fer2013new.csv', 'distribution'): [28556, 3579, 3572],
    ('label.csv', 'majority'): [25045, 3191, 3137],
    ('label.csv', 'argmax'): [28385, 3555, 3545],
    ('label.csv', 'argmax8'): [28556, 3579, 3573],
    ('label.csv', 'distribution'): [28556, 3579, 3573],
}


@pytest.mark.parametrize(('source', 'rule'), list(TOTALS))
def test_counts_of_the_real_files(real_root, tmp_path, source, rule):
    for name in (source, *FOLDERS.values()):
        if (real_root / name).exists():
            (tmp_path / name).symlink_to(real_root / name)
    for split, total in zip(FOLDERS, TOTALS[source, rule], strict=True):
        dataset = FERPlus(
            str(tmp_path), split, label_rule=rule, serialize_data=False
        )
        assert len(dataset) == total
        assert f'by {source}' in dataset.describe()['label_rule']
        labels = [info['gt_label'] for info in dataset.data_list]
        counts = np.bincount(labels).tolist()
        assert counts == list(FERPLUS_COUNTS[source, rule][split])


@pytest.mark.parametrize(
    ('rule', 'totals'),
    [
        ('majority', [25060, 3199, 3153]),
        ('argmax', [28389, 3553, 3546]),
        ('argmax8', [28559, 3579, 3573]),
    ],
)
def test_all_rows_with_a_name(real_root, rule, totals):
    root = DataRoot(str(real_root))
    for usage, total in zip(USAGES.values(), totals, strict=True):
        labels = [
            LABEL_RULES[rule](votes)
            for _, name, votes in read_votes(root, 'fer2013new.csv', usage)
            if name
        ]
        assert sum(label is not None for label in labels) == total


def test_absent_class_is_named(tmp_path, caplog):
    root = write(tmp_path, case_rows())
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        FERPlus(root)
    finally:
        logger.removeHandler(caplog.handler)
    empty = [c for c in EXPRESSIONS if c not in ('neutral', 'fear')]
    empty.remove('contempt')
    assert f'there are no images of {empty}' in caplog.text


def test_names_are_taken_as_they_are(tmp_path):
    happy = (0, 9, *[0] * 8)
    rows = [('FER1.PNG', happy), ('Gesicht_ä 表情.png', happy)]
    assert set(labels_of(FERPlus(write(tmp_path, rows)))) == {
        'FER1.PNG',
        'Gesicht_ä 表情.png',
    }
