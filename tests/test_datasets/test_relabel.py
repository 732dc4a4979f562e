import pytest

from mpafer_plugin.datasets import RAFDB, FERFolder, FERPlus
from mpafer_plugin.datasets.annotations import Sample
from mpafer_plugin.datasets.relabel import (
    label_targets,
    merge_classes,
    relabel,
)

LABELS = dict.fromkeys(['anger', 'fear', 'happiness', 'bored'], '')
NEGATIVE = {'negative': ['Angry', 'fear']}


def test_merged_classes_take_the_place_of_the_first():
    classes = ['happy', 'anger', 'bored', 'fear']
    merged = merge_classes(classes, NEGATIVE)
    assert merged == ('happy', 'negative', 'bored')
    assert merge_classes(merged, NEGATIVE) == merged
    assert merge_classes(classes, {'joy': 'happy'})[0] == 'joy'
    assert merge_classes(classes, None) == tuple(classes)


def test_targets():
    assert label_targets(LABELS, ['Happy', 'negative'], NEGATIVE) == dict(
        anger='negative', fear='negative', happiness='happiness', bored=None
    )
    # A known expression that the data lacks is not a misspelt name.
    targets = label_targets(LABELS, ['anger', 'contempt'], None)
    assert [n for n, c in targets.items() if c] == ['anger']


@pytest.mark.parametrize(
    'classes, merge, message',
    [
        (['anger', 'fearr'], None, "did you mean 'fearr'"),
        (['anger', 'Bored'], None, "'bored'.*did you mean 'Bored'"),
        (['awe', 'glee'], None, 'never by position'),
        # Both spellings are in the data.
        (['in pain'], None, r"list:7: 'In_pain' .*'in pain'.*merge=\{'in p"),
        (['a'], {'a': ['awe']}, r"\['awe'\] are no labels.*'bored'"),
        (['a', 'b'], {'a': ['fear'], 'b': ['fear']}, "'fear' .*'a' .*'b'"),
        (['bored'], {'bored': ['fear']}, "'bored' is a label of the data"),
        (['a'], {'a': []}, "'a' has no classes"),
        (['a'], {'a': ['fear'], 'fear': ['anger']}, "'fear' is a new name"),
    ],
)
def test_wrong_names(classes, merge, message):
    with pytest.raises(ValueError, match=message):
        labels = LABELS | {'in pain': 'list:2', 'In_pain': 'list:7'}
        label_targets(labels, classes, merge)


def test_shares_of_merge_classes_are_added():
    votes = dict(anger=0.3, fear=0.2, happiness=0.4, bored=0.1)
    samples = [
        Sample('a.png', 'happiness', 'list', 1, 'a', votes),
        Sample('b.png', 'bored', 'list', 2, 'b', dict(bored=0.6, fear=0.4)),
    ]
    targets = label_targets(LABELS, ['happiness', 'negative'], NEGATIVE)
    (sample,), text = relabel(samples, targets)
    assert sample.label == 'negative'
    assert sample.score == pytest.approx(dict(negative=5 / 9, happiness=4 / 9))
    assert text == (
        '; negative is anger + fear; left out, as not among the classes: '
        '1 bored'
    )


def test_a_label_that_no_one_announced():
    samples = [Sample('a.png', 'glee', 'list.txt', 7, 'a')]
    with pytest.raises(ValueError, match=r"list.txt:7: the label 'glee'"):
        relabel(samples, {'fear': 'fear'})


def test_five_of_seven(data_root, log):
    five = ['happy', 'neutral', 'sad', 'fear', 'disgust']
    root = str(data_root / 'rafdb')
    dataset = RAFDB(root, 'test', classes=five)
    assert dataset.get_gt_labels().tolist().count(0) == 4
    assert len(dataset) == 20
    assert '4 surprise, 4 anger' in dataset.describe()['label_rule']
    assert '4 surprise, 4 anger' in log.text


def test_merged_and_renamed(data_root):
    merge = {'negative': ['anger', 'fear', 'disgust', 'sad'], 'joy': ['happy']}
    root = str(data_root / 'rafdb')
    train, val = (RAFDB(root, s, merge=merge) for s in ('train', 'val'))
    classes = ('neutral', 'joy', 'negative', 'surprise')
    assert train.metainfo['classes'] == classes
    labels = [*train.get_gt_labels(), *val.get_gt_labels()]
    assert [labels.count(i) for i in range(4)] == [12, 12, 48, 12]
    assert train.expected_counts()['negative'] == 281 + 717 + 1982 + 705


def test_votes_of_a_subset(data_root):
    dataset = FERPlus(
        str(data_root / 'ferplus'),
        label_rule='distribution',
        classes=['neutral', 'upset'],
        merge={'upset': ['anger', 'contempt']},
    )
    assert len(dataset) == 12
    assert dataset[0]['gt_score'] in ([1.0, 0.0], [0.0, 1.0])


def test_folders_of_ones_own(tmp_path):
    for name in ('Weary', 'bored', 'glad'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '1.jpg').touch()
    dataset = FERFolder(
        str(tmp_path), val_fraction=0, merge={'low': ['Weary', 'bored']}
    )
    assert dataset.metainfo['classes'] == ('low', 'glad')
    assert dataset.get_gt_labels().tolist() == [0, 0, 1]
    subset = FERFolder(str(tmp_path), val_fraction=0, classes=['glad'])
    assert len(subset) == 1


def test_the_time_for_many_labels_grows_with_their_number():
    labels = {f'label {i}': '' for i in range(20_000)}
    classes = [*labels][:-1]
    assert label_targets(labels, classes, None)['label 19999'] is None
    misspelt = [f'lable {i}' for i in range(2_000)]
    with pytest.raises(ValueError, match="did you mean 'lable") as error:
        label_targets(labels, misspelt, None)
    assert len(str(error.value)) < 2000
