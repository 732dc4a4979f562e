import re

import numpy as np

from mpafer_plugin.report import plots


def sizes(svg):
    return [float(x) for x in re.findall(r'(?:width|height)="([\d.]+)pt', svg)]


def test_the_scatter_of_300_classes_is_bounded():
    rng = np.random.default_rng(0)
    labels = np.arange(900) % 300
    points, marks = rng.random((900, 2)), dict(text=rng.random((300, 2)))
    names = [f'class {i}' for i in range(300)]
    svg = plots.scatter(points, labels, names, marks, 'many')
    assert max(sizes(svg)) < 500
    assert svg.count('<use') == 900 + 300  # none is left out
    assert 'class 0' not in svg  # no legend


def test_a_class_has_one_colour_and_mark():
    points = np.array([[0.0, 0], [1, 1], [2, 2], [3, 3]])
    labels = np.array([0, 1, 0, 1])
    svg = plots.scatter(points, labels, ['a', 'b'], {}, 'few')
    for series in (0, 1):  # two points, and one in the legend
        assert len(re.findall(rf'<use[^>]*--series-{series}\)', svg)) == 3
    assert '>a<' in svg and '>b<' in svg


def test_the_matrix_of_300_classes_is_bounded():
    svg = plots.matrix(np.eye(300, dtype=int))
    assert max(sizes(svg)) < 500 and len(svg) < 100_000
