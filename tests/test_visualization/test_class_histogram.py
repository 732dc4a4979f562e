import cv2
import pytest
from matplotlib.figure import Figure

from mpafer_plugin.visualization import draw_class_histogram

CLASSES = ('fear', '$anger')
COUNTS = {'train': [1200, 30], 'test': [5, 0]}


@pytest.fixture
def figure(monkeypatch):
    """List that the figures go to when they are saved."""
    saved = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure,
        'savefig',
        lambda self, *args, **kwargs: (
            saved.append(self),
            save(self, *args, **kwargs),
        ),
    )
    return saved


def test_bars_and_numbers(tmp_path, figure):
    path = str(tmp_path / 'classes.png')
    draw_class_histogram(CLASSES, COUNTS, path, title='a title')
    train, test = figure[0].axes
    assert [bar.get_width() for bar in train.patches] == [1200, 30]
    assert [text.get_text() for text in train.texts] == ['1,200', '30']
    assert [text.get_text() for text in test.texts] == ['5', '0']
    assert (train.get_title(), test.get_title()) == ('train: 1,230', 'test: 5')
    names = [text.get_text() for text in train.get_yticklabels()]
    assert names == ['fear', '$anger']
    assert train.yaxis_inverted()  # the first class stands above
    assert cv2.imread(path) is not None


def test_many_classes_are_of_bounded_size(tmp_path, figure):
    path = str(tmp_path / 'classes.png')
    for number in (100, 400):
        classes = [f'class {i}' for i in range(number)]
        draw_class_histogram(classes, {'train': [3] * number}, path)
    few, many = figure
    assert tuple(many.get_size_inches()) == tuple(few.get_size_inches())
    assert (len(few.axes[0].texts), len(many.axes[0].texts)) == (100, 0)
    names = [text.get_text() for text in many.axes[0].get_yticklabels()]
    assert names == [f'class {i}' for i in range(0, 400, 4)]
    assert len(many.axes[0].patches) == 400


def test_note_is_broken_and_makes_room(tmp_path, figure):
    path = str(tmp_path / 'classes.png')
    draw_class_histogram(CLASSES, COUNTS, path)
    draw_class_histogram(CLASSES, COUNTS, path, note='some words ' * 40)
    before, after = (drawn.get_size_inches() for drawn in figure)
    assert after[0] == before[0]
    assert after[1] > before[1] + 0.5
    note = figure[1].get_supxlabel()
    assert note.count('\n') >= 4
    assert note.replace('\n', ' ').count('some words') == 40
