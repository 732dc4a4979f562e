from types import SimpleNamespace

import pytest
from matplotlib import font_manager

from mpafer_plugin.utils.fonts import DEFAULT, find_fonts

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
