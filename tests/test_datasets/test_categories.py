import pytest

from mpafer_plugin.datasets.categories import (
    ALIASES,
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    SEVEN_EXPRESSIONS,
    canonical_name,
    canonical_names,
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


def test_the_time_for_many_classes_grows_with_their_number():
    names = [f'class {i}' for i in range(60_000)]
    assert canonical_names(names) == names
    with pytest.raises(ValueError, match="are 'class 7'") as error:
        canonical_names([*names, 'class  7'])
    assert len(str(error.value)) < 1000
