import pytest

from mpafer_plugin.datasets import FERCsv

HEADER = 'path,label,Joy,sad,bored'
LINES = ['a.jpg,x,1,3,0', 'b.jpg,x,0.5,0,0.5', 'c.jpg,x,,,', 'd.jpg,x,9,0,0']
VOTES = ['joy', 'sad', 'bored']
NAMES = {'joy': 'happy', 'sad': 'sad', 'bored': 'bored'}


def read(root, rule, lines=LINES):
    (root / 'labels.csv').write_text('\n'.join([HEADER, *lines]))
    for line in lines:
        (root / line[:5]).touch()
    return FERCsv(
        str(root),
        columns=dict(votes=VOTES),
        label_rule=rule,
        names=NAMES,
        val_fraction=0,
        serialize_data=False,
    )


@pytest.mark.parametrize(
    ('rule', 'labels', 'undecided'),
    [
        # Of as many votes the earlier column counts; c.jpg has none.
        ('distribution', [1, 0, 0], 1),
        ('argmax', [1, 0, 0], 1),
        ('majority', [1, 0], 2),
    ],
)
def test_rules(tmp_path, rule, labels, undecided):
    dataset = read(tmp_path, rule)
    assert dataset.metainfo['classes'] == ('happiness', 'sadness', 'bored')
    assert dataset.get_gt_labels().tolist() == labels
    soft = [info.get('gt_score') for info in dataset]
    if rule == 'distribution':
        assert soft == [[0.25, 0.75, 0], [0.5, 0, 0.5], [1, 0, 0]]
    else:
        assert soft == [None] * len(labels)
    rules = dataset.describe()['label_rule']
    assert rules.startswith(f'{rule}, ')
    assert f'{undecided} images without a label' in rules


@pytest.mark.parametrize('value', ['-1', 'two', 'nan', 'inf', '1_0'])
def test_wrong_votes(tmp_path, value):
    message = rf"csv:2: '{value}' votes for 'sadness'"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, 'argmax', [f'a.jpg,x,1,{value},0'])


def test_votes_whose_sum_is_infinite(tmp_path):
    """Each share would be 0."""
    with pytest.raises(ValueError, match=r'csv:2: the votes .* too many'):
        read(tmp_path, 'argmax', ['a.jpg,x,1e308,1e308,0'])


def test_rows_with_other_votes_contradict(tmp_path):
    lines = ['a.jpg,x,1,3,0', 'a.jpg,y,2,6,0', 'a.jpg,x,1,4,0']
    assert len(read(tmp_path, 'distribution', lines[:2])) == 1
    with pytest.raises(ValueError, match=r"csv:4: .*'sadness': 0\.8"):
        read(tmp_path, 'distribution', lines)
