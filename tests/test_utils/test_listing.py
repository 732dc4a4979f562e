from mpafer_plugin.utils.listing import listed


def test_long_lists_are_counted_and_cut():
    assert listed([]) == ''
    assert listed(range(3)) == '0, 1, 2'
    assert listed('abcd', most=3) == 'a, b, c, d'
    assert listed('abcde', most=3) == 'a, b, c and 2 more'


def test_items_of_any_text_are_short_and_printable():
    assert listed(['a\ud800']) == 'a\\ud800'
    text = listed(['x' * 10_000, 'b'])
    assert len(text) < 300
    assert text.endswith('x, b')
