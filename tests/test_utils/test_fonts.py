from types import SimpleNamespace

import pytest
from matplotlib import font_manager
from mmengine.logging import MMLogger

from mpafer_plugin.utils.fonts import DEFAULT, drawn_names, find_fonts

LETTERS = {DEFAULT: 'abcü', 'Kana': 'かな', 'Last Resort': 'abcかなꙮ'}


@pytest.fixture
def fonts(monkeypatch):
    """A system with two fonts, and one of boxes."""
    listed = [
        SimpleNamespace(name=name, fname=name, style='normal', weight=400)
        for name in LETTERS
    ]
    monkeypatch.setattr(font_manager.fontManager, 'ttflist', listed)

    def get_font(name):
        charmap = {ord(letter): 1 for letter in LETTERS[name]}
        return SimpleNamespace(get_charmap=lambda: charmap)

    monkeypatch.setattr(font_manager, 'get_font', get_font)


def test_fonts_that_have_the_letters(fonts):
    assert find_fonts(['ab c', 'ü']) == ([DEFAULT], set())
    assert find_fonts(['a', 'かな']) == ([DEFAULT, 'Kana'], set())


def test_letters_that_no_font_has(fonts):
    assert find_fonts(['aꙮ']) == ([DEFAULT], {'ꙮ'})


def test_the_fonts_of_this_system():
    families, missing = find_fonts(['Traurigkeit', 'грусть'])
    assert families == [DEFAULT] and not missing


def test_names_that_no_font_has_are_numbers_with_a_legend(
    fonts, monkeypatch, caplog
):
    handlers = [caplog.handler]
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handlers', handlers)
    names = ['a', 'aꙮ', 'かな', 'b']
    expected = ['a', '#2', 'かな', 'b'], [DEFAULT, 'Kana']
    assert drawn_names(names) == drawn_names(tuple(names)) == expected
    assert caplog.text.count('#2 is aꙮ') == 1
