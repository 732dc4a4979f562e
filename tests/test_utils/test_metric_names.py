import pytest

from mpafer_plugin.utils.metric_names import metric_name


@pytest.mark.parametrize(
    'name, expected',
    [
        ('fer/recall_happily surprised', 'fer/recall_happily surprised'),
        ('fer/recall_sad (mild)+', 'fer/recall_sad _mild__'),
        ('fer/recall_悲しみ', 'fer/recall_悲しみ'),
    ],
)
def test_names(name, expected):
    assert metric_name(name) == metric_name(expected) == expected
