import pytest

from mpafer_plugin.cli.study.yaml_file import read_yaml


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('_base_: 3', '_base_=3 is no file'),
        ('_base_: s.yaml', 'is its own base'),
        ('_base_: b.yaml\na: {c: 1}', 'does not go with its bases'),
        ('_base_: no_such_package::a.yaml', 'no_such_package'),
        ('a: !!timestamp b', 'NoneType'),  # as PyYAML says it
        ('a: !!int ""', 'index out of range'),
        ('a: "\\ud800"', r"'\\ud800' has characters"),
        ('a: "\\0"', r"'\\x00' has characters"),
        ('[' * 30_000, 'more than 100 brackets'),
        ('- ' * 30_000, 'recursion'),
        ('a: \x80', 'codec'),
        ('- a\n' * 50_001, 'more than 200,000 characters'),
        ('a: 1\nb: {c: 1, d: 2, c: 3}', "line 2: duplicate key 'c'"),
        ('a: &a [*a]', 'more than 100,000 values'),
        (
            'a0: &a0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n'
            + ''.join(
                f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 10)}]\n'
                for i in range(1, 9)
            ),
            'more than 100,000 values',
        ),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    path = tmp_path / 's.yaml'
    path.write_text(text, encoding='latin-1')
    (tmp_path / 'b.yaml').write_text('a: 3')
    with pytest.raises(ValueError, match=rf's\.yaml(?s:.*){message}'):
        read_yaml(path)


def test_aliases_are_read(tmp_path):
    text = 'a: &a {b: 1}\nc: *a\nd: {<<: *a, b: 2}'
    (tmp_path / 's.yaml').write_text(text)
    assert read_yaml(tmp_path / 's.yaml') == dict(
        a=dict(b=1), c=dict(b=1), d=dict(b=2)
    )
