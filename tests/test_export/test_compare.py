from mpafer_plugin.export.compare import compare_accuracy


def test_what_a_precision_costs():
    before = dict(accuracy=80.0, uar=70.0)
    text = compare_accuracy(before, dict(accuracy=79.8, uar=70.0), 'int8')
    assert '-0.20 points' in text and 'MORE THAN' not in text
    text = compare_accuracy(before, dict(accuracy=79.5, uar=70.0), 'int8')
    assert '-0.50 points' in text and 'MORE THAN 0.3' in text
