import csv

import cv2
import matplotlib.pyplot as plt
import numpy as np

from mpafer_plugin.engine.hooks.fer_report_hook import draw_matrix, write_table

CONFUSION = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
CLASSES = ['calm', 'cross', 'absent']


def test_table(tmp_path):
    write_table(CONFUSION, CLASSES, tmp_path / 'table.csv')
    with open(tmp_path / 'table.csv') as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        'class': 'calm',
        'pictures': '10',
        'recall': '80.00',
        'precision': '88.89',
        'f1': '84.21',
        'taken_for': 'cross',
    }
    assert rows[2]['recall'] == rows[2]['taken_for'] == ''


def test_image(tmp_path):
    draw_matrix(CONFUSION, CLASSES, tmp_path / 'matrix.png')
    image = cv2.imread(str(tmp_path / 'matrix.png'))
    assert min(image.shape[:2]) > 200
    assert image.std() > 20


def test_the_image_of_many_classes_is_bounded(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(plt, 'close', figures.append)
    for number in (12, 31, 320):
        confusion = np.eye(number, dtype=int)
        names = [f'${i} {"long" * 50}' for i in range(number)]
        draw_matrix(confusion, names, tmp_path / 'matrix.png')
        image = cv2.imread(str(tmp_path / 'matrix.png'))
        assert max(image.shape) < 2600
    cells = [len(figure.axes[0].texts) for figure in figures]
    assert cells == [144, 0, 0]
    labels = [text.get_text() for text in figures[2].axes[0].get_yticklabels()]
    assert len(labels) == 107  # every third
    assert labels[1].startswith('$3 long')
    assert len(labels[1]) == 40


def test_names_that_no_font_has(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(plt, 'close', figures.append)
    names = ['calm', '\U0010fffe', 'absent']
    draw_matrix(CONFUSION, names, tmp_path / 'matrix.png')
    axes = figures[0].axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ['calm', '#2', 'absent']
    assert 'per_class.csv' in axes.get_title()


def test_written_after_a_test(build_runner, tmp_path):
    runner = build_runner()
    runner.train()
    runner.test()
    names = {path.name for path in (tmp_path / 'work_dir').iterdir()}
    assert {'per_class.csv', 'confusion_matrix.png'} <= names
    # The visualizer has it too.
    assert list((tmp_path / 'work_dir').rglob('vis_image/confusion_matrix*'))
