import json
import re
from dataclasses import replace

import pytest

from mpafer_plugin.export.metadata import FORMAT, ExportMeta

META = ExportMeta(
    classes=['neutral', 'naïve'],
    words=None,
    input=dict(
        size=[4, 6], color='RGB', range=[0, 255], interpolation='bicubic'
    ),
    grid=[1, 2],
    top_k=2,
    crop=None,
    fingerprints={},
    license='None.',
    checkpoint=None,
)


def test_there_and_back():
    strings = META.to_strings()
    assert json.loads(strings['grid']) == [1, 2]
    assert strings['crop'] == 'null'
    assert ExportMeta.from_strings(strings) == META


def test_a_later_format():
    strings = replace(META, format_version=FORMAT + 1).to_strings()
    with pytest.raises(ValueError, match=f'format {FORMAT + 1}.*to {FORMAT}'):
        ExportMeta.from_strings(strings)


@pytest.mark.parametrize(
    'change',
    [dict(format_version='x'), dict(classes='[1')],
)
def test_values_that_are_no_json(change):
    with pytest.raises(ValueError, match='not written by mpafer export'):
        ExportMeta.from_strings(META.to_strings() | change)


@pytest.mark.parametrize(
    'name, value',
    [
        ('classes', '"fear"'),
        ('classes', '[]'),
        ('classes', '["fear", 3]'),
        ('words', '3'),
        ('input', '{"size": [4, 6]}'),
        ('grid', '[1, 2, 3]'),
        ('top_k', 'true'),
        ('crop', '[]'),
        ('precision', '"float64"'),
        ('opset', 'NaN'),
        ('format_version', '"1"'),
    ],
)
def test_values_of_another_kind(name, value):
    shown = re.escape(repr(json.loads(value)))
    with pytest.raises(ValueError, match=f'{name} is {shown}'):
        ExportMeta.from_strings(META.to_strings() | {name: value})


def test_a_model_of_another_program():
    with pytest.raises(ValueError, match=r'mpafer export.*\{\}'):
        ExportMeta.from_strings({})
