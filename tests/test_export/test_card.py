from dataclasses import replace

from mpafer_plugin.export.card import write_card
from tests.test_export.test_metadata import META

NAMED = replace(META, input=META.input | dict(interpolation='bicubic'))


def test_a_model_that_was_not_tested():
    text = write_card(NAMED, None, {})
    assert '(batch, 3, 4, 6)' in text
    assert '`patches` (batch, 2, 2)' in text
    assert 'Not measured' in text
    assert 'AI Act' in text
    assert text.rstrip().endswith('None.')


def test_a_model_that_was_tested():
    metrics = dict(accuracy=91.234, uar=80.0, macro_f1=70.0, recall_neutral=5)
    meta = replace(
        NAMED,
        grid=None,
        crop=dict(margin=0.1),
        checkpoint=dict(file='a|b.pth', sha256='0f', date='2026-01-02'),
    )
    text = write_card(meta, 'the 9 test images of Toy', metrics)
    assert 'the 9 test images of Toy' in text
    assert '| accuracy | 91.23 |' in text
    assert '| recall of neutral | 5.00 |' in text
    assert 'naïve |' in text and 'recall of naïve' not in text
    assert 'patches' not in text
    assert 'a\\|b.pth of 2026-01-02' in text
    assert 'margin 0.1' in text
