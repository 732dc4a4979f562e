from mpafer_plugin.visualization import spread_over_classes

LABELS = [0] * 50 + [2] * 3 + [1] * 20


def labels_of(number, seed=0):
    return [LABELS[i] for i in spread_over_classes(LABELS, number, seed)]


def test_each_class_in_turn():
    assert labels_of(7) == [0, 1, 2, 0, 1, 2, 0]
    # where a class has no more, the others go on
    assert labels_of(14) == [0, 1, 2] * 3 + [0, 1] * 2 + [0]


def test_none_twice_and_no_more_than_there_are():
    chosen = spread_over_classes(LABELS, 100)
    assert sorted(chosen) == list(range(73))


def test_seed():
    assert spread_over_classes(LABELS, 9) == spread_over_classes(LABELS, 9)
    assert spread_over_classes(LABELS, 9) != spread_over_classes(LABELS, 9, 1)
