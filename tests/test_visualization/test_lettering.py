import numpy as np
import pytest
from PIL import Image, ImageDraw

from mpafer_plugin.utils import fonts
from mpafer_plugin.visualization import lettering as module
from mpafer_plugin.visualization.lettering import SIZE, Lettering

NO_FONT = '\U0010fffe'


def written(letters, text):
    """Dark pixels of a text that is written at (10, 10)."""
    image = Image.new('L', (400, 40), 'white')
    letters.write(ImageDraw.Draw(image), (10, 10), text, 0)
    return np.argwhere(np.asarray(image) < 128)


def test_a_text_is_as_wide_as_it_says():
    letters = Lettering(['calm'])
    (top, left), (bottom, right) = (
        f(written(letters, 'calm'), 0) for f in (np.min, np.max)
    )
    assert 10 <= left < 13 and 10 <= top < bottom < 10 + SIZE + 3
    assert right - left == pytest.approx(letters.length('calm'), abs=3)


def test_a_name_that_no_font_has_is_a_number():
    letters = Lettering(['calm', f'a{NO_FONT}'])
    assert letters.name('calm') == 'calm'
    assert letters.name(f'a{NO_FONT}') == '#2'


def test_letters_of_two_fonts(monkeypatch):
    """A second font, of which no more than one letter is used."""
    monkeypatch.setattr(
        module, 'drawn_names', lambda names: (names, [fonts.DEFAULT, 'cmr10'])
    )
    monkeypatch.setattr(
        module,
        '_load',
        lambda family, bold, load=module._load: (
            load(family, bold)[0],
            frozenset(map(ord, 'é' if family == 'cmr10' else 'ab ')),
        ),
    )
    letters = Lettering(['ab é ab'])
    parts = letters._parts('ab é ab', False)
    assert [text for text, _ in parts] == ['ab ', 'é ', 'ab']
    assert parts[0][1].getname() != parts[1][1].getname()
    assert letters.length('ab é ab') == sum(
        font.getlength(text) for text, font in parts
    )


def test_numbers_around_a_name_that_is_written_from_right_to_left():
    letters = Lettering(['غضب'])
    title = f'1 {letters.name("غضب")} 50%'
    percent = written(letters, '50%')
    columns = written(letters, title)[:, 1].max()
    # The last letters on the right are those of the percentage.
    width = np.ptp(percent[:, 1])
    right = written(letters, title)
    right = right[right[:, 1] >= columns - width]
    assert len(right) == len(percent)


def test_a_long_text_is_cut():
    letters = Lettering(['calm'])
    shown = letters.fit('calm' * 20, 100)
    assert shown.endswith('…') and letters.length(shown) <= 100
    assert letters.fit('calm', 100) == 'calm'
