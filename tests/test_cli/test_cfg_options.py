import argparse

import pytest

from mpafer_plugin.cli.config_args import add_cfg_options


def parse(*options):
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    return parser.parse_args(['--cfg-options', *options]).cfg_options


@pytest.mark.parametrize(
    'text, value',
    [
        ('my faces/a  b', 'my faces/a  b'),
        ('[tired, in pain]', ['tired', 'in pain']),
        ('["in pain" , \'a b c\' ]', ['in pain', 'a b c']),
        ('[( in pain, 2), [a, b]]', [('in pain', 2), ['a', 'b']]),
        (' 3 ', 3),
        ('a=b', 'a=b'),
        ('', ''),
    ],
)
def test_spaces_stay_inside_values(text, value):
    assert parse(f'relabel.classes={text}', 'a=1') == {
        'relabel.classes': value,
        'a': 1,
    }


@pytest.mark.parametrize(
    'wrong, message',
    [('epochs', "'epochs' is not KEY=VALUE"), ('a=[1,2', r"'a=\[1,2'")],
)
def test_wrong_arguments(wrong, message, capsys):
    with pytest.raises(SystemExit, match='2'):
        parse('a=1', wrong)
    assert message.replace('\\', '') in capsys.readouterr().err
