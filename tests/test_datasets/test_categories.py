import pytest

from mpafer_plugin.datasets.categories import (
    ALIASES,
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    SEVEN_EXPRESSIONS,
    canonical_name,
)


def test_orders():
    assert EXPRESSIONS == (
        'neutral',
        'happiness',
        'sadness',
        'surprise',
        'fear',
        'disgust',
        'anger',
        'contempt',
    )
    assert (*SEVEN_EXPRESSIONS, 'contempt') == EXPRESSIONS
    assert len(set(COMPOUND_EXPRESSIONS)) == 11


def test_aliases_lead_to_canonical_names():
    assert set(ALIASES.values()) < set(EXPRESSIONS)
    assert not set(ALIASES) & set(EXPRESSIONS)


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('fear', 'fear'),
        ('Fearful', 'fear'),
        (' ANGRY ', 'anger'),
        ('Sadly_Angry', 'sadly angry'),
        ('My Class', 'My Class'),
        (' My  Class\t', 'My Class'),
        ('Cafe\u0301', 'Caf\u00e9'),
        ('e\u0301_x', '\u00e9_x'),
        ('sadly  ANGRY', 'sadly angry'),
        ('', ''),
    ],
)
def test_canonical_name(name, expected):
    assert canonical_name(name) == expected
