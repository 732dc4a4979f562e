from collections.abc import Sequence
from heapq import nlargest

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .lettering import SIZE, Lettering, lettering

SHORTEST, LONGEST = 480, 1600
"""Bounds of the longer side of a drawn image, in pixels: text must fit."""

COLOURS = (
    (230, 85, 13),
    (33, 113, 181),
    (35, 139, 69),
    (203, 24, 125),
    (106, 81, 163),
    (150, 110, 20),
)
"""RGB of the faces, in turn."""

GREY = (90, 90, 90)

# In pixels.
_CARD = 200  # width of a card
_EDGE = 10  # padding of a card
_LINE = 18  # height of a line
_MOST_LINES = 24  # classes in a card


def shrink(image: np.ndarray) -> np.ndarray:
    """Scale an image down as far as :func:`draw_predictions` would.

    Args:
        image (np.ndarray): (H, W, 3), uint8.

    Returns:
        np.ndarray: At most :data:`LONGEST` pixels on the longer side; the
        image itself if it is not larger.
    """
    scale = LONGEST / max(image.shape[:2])
    return _resize(image, scale) if scale < 1 else image


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=how)


def draw_predictions(
    image: np.ndarray,
    faces: Sequence[dict],
    columns: int | None = None,
    num_classes: int = 0,
    shape: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Draw boxes on an image, and bars of all probabilities beside it.

    Face and card share a number and a colour. Only the tags of the boxes
    cover the image. A card has the 24 most probable classes of more. For
    names in any script see :class:`Lettering`.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8.
        faces (Sequence[dict]): Its faces, see :func:`face_result`.
        columns (int, optional): Columns of cards; a line below counts the
            faces that do not fit. Defaults to None: enough for 24 faces.
        num_classes (int): Minimum number of lines in a card, so that all
            frames of a video have one size. Defaults to 0.
        shape (tuple[int, ...], optional): (H, W, ...) of the image that the
            boxes refer to, if ``image`` is a :func:`shrink` of it. Defaults
            to None.

    Returns:
        np.ndarray: BGR, uint8. With ``columns`` and ``num_classes`` its size
        depends on that of the image only.
    """
    height, width = (shape or image.shape)[:2]
    longer = max(image.shape[:2])
    resized = _resize(image, np.clip(1.0, SHORTEST / longer, LONGEST / longer))
    size = resized.shape[1], resized.shape[0]

    lines = max([num_classes, *(len(face['probs']) for face in faces)])
    lines = min(lines, _MOST_LINES)
    card = _LINE * (lines + 1) + 2 * _EDGE
    tall = max(size[1], card + _LINE)
    rows = max(1, (tall - _LINE) // card)
    if columns is None:
        columns = -(-min(len(faces), 24) // rows)
    room = columns * rows
    canvas = Image.new('RGB', (size[0] + columns * _CARD, tall), 'white')
    canvas.paste(Image.fromarray(resized[..., ::-1]))
    draw = ImageDraw.Draw(canvas)
    letters = lettering(tuple(faces[0]['probs']) if faces else ())
    ratio = np.array([size[0] / width, size[1] / height] * 2)
    for number, face in enumerate(faces):
        box = np.array(face['bbox']) * ratio
        _draw_box(draw, letters, box, face, number, size)
    for number, face in enumerate(faces[:room]):
        left = size[0] + number // rows * _CARD + _EDGE
        top = number % rows * card + _EDGE
        _draw_card(draw, letters, left, top, face, number)
    if len(faces) > room and columns:
        text = f'and {len(faces) - room} more faces'
        letters.write(draw, (size[0] + _EDGE, tall - _LINE), text, GREY)
    if not faces:
        _draw_tag(draw, letters, 0, 0, 'no face found', GREY)
    return np.ascontiguousarray(np.asarray(canvas)[..., ::-1])


def _draw_box(
    draw: ImageDraw.ImageDraw,
    letters: Lettering,
    box: np.ndarray,
    face: dict,
    number: int,
    size: tuple[int, int],
) -> None:
    colour = COLOURS[number % len(COLOURS)]
    x1, y1, x2, y2 = box.tolist()
    # Keep frame and tag of a box visible that begins outside the image.
    x1, y1 = max(x1, 0), max(y1, 0)
    x2, y2 = min(x2, size[0] - 1), min(y2, size[1] - 1)
    if x2 <= x1 or y2 <= y1:
        return
    draw.rectangle((x1, y1, x2, y2), outline=colour, width=2)
    text = f'{number + 1} {letters.name(face["pred_class"])}'
    wide, high = _tag_size(letters, text)
    above = y1 - high if y1 >= high else y1
    left = min(x1, max(0, size[0] - wide))
    _draw_tag(draw, letters, left, above, text, colour)


def _draw_card(
    draw: ImageDraw.ImageDraw,
    letters: Lettering,
    left: int,
    top: int,
    face: dict,
    number: int,
) -> None:
    colour = COLOURS[number % len(COLOURS)]
    wide = _CARD - 2 * _EDGE
    name = letters.name(face['pred_class'])
    title = f'{number + 1} {name} {face["pred_score"]:.0%}'
    title = letters.fit(title, wide, bold=True)
    letters.write(draw, (left, top), title, colour, bold=True)
    name_width = int(0.5 * wide)
    probs = face['probs'].items()
    if len(probs) > _MOST_LINES:
        probs = nlargest(_MOST_LINES, probs, key=lambda item: item[1])
    for line, (name, value) in enumerate(probs, 1):
        y = top + line * _LINE
        chosen = name == face['pred_class']
        shown = letters.fit(letters.name(name), name_width - 6)
        letters.write(draw, (left, y), shown, (0, 0, 0), chosen)
        start, full = left + name_width, wide - name_width
        bar = (start, y + 3, start + full, y + _LINE - 4)
        draw.rectangle(bar, fill=(236, 236, 236))
        if value * full >= 1:
            fill = colour if chosen else (150, 150, 150)
            draw.rectangle((*bar[:2], start + value * full, bar[3]), fill=fill)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    letters: Lettering,
    x: float,
    y: float,
    text: str,
    colour: tuple,
) -> None:
    wide, high = _tag_size(letters, text)
    draw.rectangle((x, y, x + wide, y + high), fill=colour)
    letters.write(draw, (x + 4, y + 1), text, 'white')


def _tag_size(letters: Lettering, text: str) -> tuple[int, int]:
    return int(letters.length(text)) + 8, SIZE + 5
