from dataclasses import dataclass

import numpy as np

from .action_units import pick
from .brush import Brush, ellipse, fold, mix, place, shade
from .identity import Identity

_ACROSS = np.linspace(-1, 1, 17)
_INSIDE = (66.0, 20.0, 24.0)
_TEETH = (240.0, 236.0, 224.0)
_TONGUE = (176.0, 84.0, 88.0)
_CLOSED = 0.02  # a smaller gap, in face units, is only a line


@dataclass(frozen=True)
class Mouth:
    """Four lines (17, 2) across the mouth, from top to bottom."""

    gap: float  # height of the opening in the middle, face units
    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray


def shape_mouth(person: Identity, units: np.ndarray) -> Mouth:
    """Shape the lips by the action units.

    Args:
        person (Identity): The person.
        units (np.ndarray): Action units (21,).

    Returns:
        Mouth: The outlines of the lips in face units.
    """
    nose, lip, down, chin = pick(units, 'AU9', 'AU10', 'AU15', 'AU17')
    stretch, tight, part, jaw = pick(units, 'AU20', 'AU23', 'AU25', 'AU26')
    smile = pick(units, 'AU12L', 'AU12R')
    dimple = pick(units, 'AU14L', 'AU14R')
    width = person.mouth_width * (1 - 0.16 * jaw - 0.14 * tight - 0.1 * chin)
    reach = width + 0.12 * smile + 0.15 * stretch + 0.05 * dimple + 0.02 * down
    corner = person.mouth_curve + (
        -0.16 * smile - 0.05 * dimple + 0.15 * down + 0.05 * stretch
    )
    gap = (0.075 * part + 0.3 * jaw) * (1 - 0.55 * tight) * (1 - 0.4 * chin)
    middle = person.mouth_height - 0.02 * smile.mean() - 0.05 * chin
    middle += 0.25 * corner.mean()
    top = middle - 0.09 * lip - 0.03 * nose - 0.1 * gap
    bottom = max(top + gap * 0.97, middle - 0.035 * lip)
    if gap < _CLOSED:
        bottom = top

    left, right = np.clip(-_ACROSS, 0, 1), np.clip(_ACROSS, 0, 1)
    x = -left * reach[0] + right * reach[1]
    # Stretched and raised lips open square, others like a lens.
    lens = 1 - np.abs(_ACROSS) ** (1.9 + 2.2 * stretch + 1.2 * lip)
    ends = person.mouth_height + 0.3 * (bottom - top)
    ends = ends + np.where(_ACROSS < 0, corner[0], corner[1])
    curve = np.abs(_ACROSS) ** 1.7
    sneer = 0.05 * lip * np.exp(-(((np.abs(_ACROSS) - 0.45) / 0.25) ** 2))

    centre = (top + bottom) / 2
    half = (bottom - top) / 2
    line = centre + (ends - centre) * curve
    thin = (1 - 0.75 * tight) * (1 - 0.3 * stretch)
    upper = person.upper_lip * thin * (1 - 0.3 * smile.mean())
    lower = person.lower_lip * thin * (1 + 0.35 * chin)
    bow = 1 - 0.3 * np.exp(-((_ACROSS / 0.16) ** 2))  # Cupid's
    round_lip = 1 - np.abs(_ACROSS) ** 2.5
    upper_inner = line + (-half * lens - sneer * (half > 0))
    lower_inner = line + half * lens
    upper_outer = upper_inner - (upper * round_lip * bow + 0.5 * sneer)
    lower_outer = lower_inner + lower * round_lip
    lines = (upper_outer, upper_inner, lower_inner, lower_outer)
    return Mouth(bottom - top, *(np.stack([x, y], 1) for y in lines))


def draw_mouth(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw lips, teeth and tongue, and the folds at corners and chin."""
    mouth = shape_mouth(person, units)
    _draw_folds(brush, person, units, mouth)
    if person.moustache:
        low = mouth.upper_outer[::-1] - (0, 0.005)
        band = np.concatenate([mouth.upper_outer - (0, 0.1), low])
        brush.fill(band, mix(person.skin, person.brow, 0.75))
    upper = np.concatenate([mouth.upper_outer, mouth.upper_inner[::-1]])
    brush.fill(upper, shade(person.lips, 0.88))
    lower = np.concatenate([mouth.lower_inner, mouth.lower_outer[::-1]])
    brush.fill(lower, person.lips)
    if mouth.gap >= _CLOSED:
        _draw_inside(brush, mouth)
    else:
        brush.line(mouth.upper_inner, shade(person.lips, 0.42), 0.022)
    rim = shade(fold(person.skin, 1), 0.95)
    for end in (mouth.upper_inner[:2], mouth.upper_inner[-2:]):
        brush.line(end, rim, 0.026)


def _draw_inside(brush: Brush, mouth: Mouth) -> None:
    top, bottom = mouth.upper_inner, mouth.lower_inner
    brush.fill(np.concatenate([top, bottom[::-1]]), _INSIDE)
    if mouth.gap > 0.14:
        tongue = bottom[4:-4]
        up = tongue - (0, 0.28 * mouth.gap)
        brush.fill(np.concatenate([up, tongue[::-1]]), _TONGUE)
    # The lip hides the teeth until it has moved by a few millimetres.
    share = min(0.62, 0.075 / mouth.gap)
    teeth = top[2:-2] + share * (bottom - top)[2:-2]
    brush.fill(np.concatenate([top[2:-2], teeth[::-1]]), _TEETH)


def _draw_folds(
    brush: Brush, person: Identity, units: np.ndarray, mouth: Mouth
) -> None:
    """Draw dimples, the shadow below the lip and the bunched chin."""
    skin = person.skin
    left, right, down, chin = pick(units, 'AU14L', 'AU14R', 'AU15', 'AU17')
    ends = (-1, mouth.upper_inner[0]), (1, mouth.upper_inner[-1])
    for (side, end), dimple in zip(ends, (left, right), strict=True):
        if dimple > 0.12:
            bend = [[0.035, -0.09], [0.075, -0.01], [0.045, 0.08]]
            colour = fold(skin, dimple * 1.2)
            brush.line(place(bend, side, end), colour, 0.032)
    if down > 0.12:
        for side, end in ends:
            bend = [[0.01, 0.02], [0.05, 0.12]]
            brush.line(place(bend, side, end), fold(skin, down), 0.024)
    middle = mouth.lower_outer[8]
    shadow = [[-0.13, 0.045], [0, 0.06 - 0.03 * chin], [0.13, 0.045]]
    colour = fold(skin, 0.3 + 0.6 * chin)
    brush.line(place(shadow, at=middle), colour, 0.022)
    if chin > 0.15:
        colour = fold(skin, chin * person.wrinkles)
        for at in (
            (-0.1, 0.13), (0, 0.15), (0.1, 0.13), (-0.05, 0.2), (0.06, 0.2),
        ):  # fmt: skip
            x, y = middle + at
            brush.fill(ellipse(x, y, 0.03, 0.018, 8), colour)
